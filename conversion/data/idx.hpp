// The IDX format of MNIST and its descendants: a big-endian header (two zero bytes, type, rank, one 32-bit size a
// dimension), then the bytes. Unsigned bytes only; plain or gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

struct IdxArray {
  std::vector<std::size_t> dims;  // as declared; dims[0] counts the items of the whole file
  Bytes bytes;                    // the first min(limit, dims[0]) items
};

// Refuses, by name: a missing or unreadable file, a wrong magic, a rank outside [min_rank, max_rank], a size of 0 or
// over 4 GiB, a body shorter or longer than declared, and (gzip) a wrong checksum.
Expected<IdxArray> read_idx(const std::filesystem::path& file, std::size_t min_rank, std::size_t max_rank,
                            std::optional<std::size_t> limit);

}  // namespace syn::data
