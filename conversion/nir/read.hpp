// NIR files. Taken: what versions 0.1 to 1.x of the Python package `nir` write, in any order, with fields it has
// defaults for left out. Refused by name: unknown types and fields, missing fields, NaN and infinite parameters, and
// what conversion/hdf5 refuses. Deliberately not here: whether the graph makes sense (check.hpp).
#pragma once

#include <filesystem>
#include <string>

#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::nir {

inline constexpr std::size_t kMostNodes = 10'000;       // in all subgraphs together
inline constexpr std::size_t kDeepest = 6;              // subgraphs inside subgraphs
inline constexpr std::int64_t kGreatestSize = 1 << 24;  // of any axis, kernel, stride; of a population in all

Expected<Graph> read(ByteView bytes, const std::string& where);
Expected<Graph> read(const std::filesystem::path& file);  // at most 1 GiB

}  // namespace syn::nir
