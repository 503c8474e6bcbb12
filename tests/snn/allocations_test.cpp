// The C++ allocation functions of this whole executable, counting.
#include "allocations.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounted = false;
#else
constexpr bool kCounted = true;
#endif

namespace {
std::atomic<std::uint64_t> count{0};
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // where both are inlined, GCC sees malloc meet delete
void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++count;
  const auto line = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(line, (size + line - 1) / line * line)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#endif

namespace syn::snn::testing {

bool counts_allocations() {
  return kCounted;
}
std::uint64_t allocations() {
  return count;
}

TEST_CASE("an allocation is counted, where no sanitizer owns them") {
  const std::uint64_t before = allocations();
  std::vector<int> some(100);
  CHECK(some.size() == 100);
  CHECK(allocations() == before + (kCounted ? 1 : 0));
}

}  // namespace syn::snn::testing
