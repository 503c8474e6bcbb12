// NumPy's .npy files, versions 1 and 2: what `infer` reads and writes. Numbers arrive as float32 whatever the file
// holds. Read: little-endian float32, float64, uint8, int32, int64 in C order. Written: float32, int32. Deliberately
// not here: Fortran order, structured types, pickles, archives (.npz); all refused by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

struct Array {
  std::vector<std::size_t> shape;  // empty: one number
  std::vector<float> values;       // product(shape), last index fastest
  std::string type;                // as the file had it: "<f4", "|u1", ...; an int64 above 2^24 has lost digits
};

// `where` names the file in errors. The header's claim must match the bytes exactly; no memory is taken before it does.
Expected<Array> read_npy(ByteView bytes, const std::string& where);
Expected<Array> read_npy(const std::filesystem::path& file);  // at most 4 GiB

// What stands before the numbers, for a writer that streams: the same 256 bytes or more for every number of items, so
// that it can be written again when that is known. `type`: "<f4", "<i8", ...
Bytes npy_header(std::span<const std::size_t> shape, std::string_view type);

Bytes write_npy(std::span<const std::size_t> shape, std::span<const float> values);
Bytes write_npy(std::span<const std::size_t> shape, std::span<const std::int32_t> values);

}  // namespace syn::data
