// An array's values: its bytes gathered from where they lie, unpacked, and turned into numbers or text.
#pragma once

#include "conversion/hdf5/file.hpp"

namespace syn::hdf5 {

// Numbers or Texts; nothing, with trouble in `file`, when they cannot be had.
std::optional<Item> read_array(File& file, const Object& object);

}  // namespace syn::hdf5
