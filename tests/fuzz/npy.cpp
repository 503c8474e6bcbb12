#include "conversion/data/npy.hpp"

#include <cstring>

#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

void npy(ByteView input) {
  const auto array = data::read_npy(input, "fuzz");
  if (!accepted(array)) return;
  std::size_t size = 1;
  for (const std::size_t dim : array->shape) size *= dim;
  SYN_ASSERT(size == array->values.size(), size, array->values.size());
  SYN_ASSERT(size <= input.size(), size);  // a number takes a byte or more
  const auto again = data::read_npy(data::write_npy(array->shape, array->values), "again");
  SYN_ASSERT(again.has_value(), again.error().what);
  SYN_ASSERT(again->shape == array->shape && again->values.size() == size);
  if (size > 0) SYN_ASSERT(std::memcmp(again->values.data(), array->values.data(), size * sizeof(float)) == 0);
}

}  // namespace syn::fuzz
