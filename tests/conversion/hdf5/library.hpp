// libhdf5 itself, as the judge of our reader and writer. Only tests link it.
#pragma once

#include "conversion/hdf5/tree.hpp"

namespace syn::testing {

// The file as libhdf5 sees it; asserts that it takes every byte of it.
hdf5::Group library_read(ByteView bytes);

// How libhdf5 is asked to store arrays of numbers.
struct Storage {
  bool chunked = false, gzip = false, shuffle = false, fletcher = false;
  bool big_endian = false, compact = false, fixed_text = false, small = false;  // small: float16, int8
  bool latest = false;                                                          // libver
};
Bytes library_write(const hdf5::Group& tree, const Storage& storage);

// Files with one thing each that the reader refuses: "soft link", "external link", "external data", "virtual",
// "compound", "never written", "partly written", "committed type", "null".
Bytes library_oddity(const std::string& kind);

}  // namespace syn::testing
