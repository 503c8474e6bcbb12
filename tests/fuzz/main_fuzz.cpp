// The entry that libFuzzer calls. SYN_FUZZ_TARGET is the target's function.
#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  syn::fuzz::SYN_FUZZ_TARGET({data, size});
  return 0;
}
