// Chunked storage: a B-tree of packed pieces of an array (File Format Specification 3.0, III.A.1 with node type 1).
#pragma once

#include "conversion/hdf5/file.hpp"

namespace syn::hdf5 {

// All bytes of the array, row-major, `bytes` of them. Every chunk has to be there, and no memory is taken before the
// chunks could fill it.
std::optional<Bytes> read_chunks(File& file, const Object& object, std::uint64_t bytes);

}  // namespace syn::hdf5
