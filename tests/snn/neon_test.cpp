// That 64-bit ARM runs its vector kernels at all: every other test would pass on the plain ones too.
#include <doctest/doctest.h>

#include "snn/engine.hpp"

#if defined(__aarch64__)
#include <sys/auxv.h>

TEST_CASE("64-bit ARM always has the NEON kernels, and dot products of bytes come first where the processor has them") {
  using Names = std::vector<std::string_view>;
  const bool dot = (::getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  const bool expected = syn::snn::Engine::kernel_names() ==
                        (dot ? Names{"neon-dot", "neon", "reference"} : Names{"neon", "reference"});
  CHECK(expected);
}
#endif
