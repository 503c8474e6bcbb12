// LZ4 and Zstandard frames, unpacked up to a limit.
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

enum class Packing { none, lz4, zstd };

// Replaces `out`. Memory grows with what really comes out; past `most` bytes, or when the frame is damaged or cut, an
// error at `where`.
Expected<> unpack(Packing packing, ByteView packed, std::size_t most, const std::string& where, Bytes& out);

}  // namespace syn::data
