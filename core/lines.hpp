// Memory that begins on a cache line: a load of 64 bytes that straddles two takes the time of two.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace syn {

inline constexpr std::align_val_t kLineBytes{64};

template <class T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLineBytes)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kLineBytes); }
  bool operator==(const LineAllocator&) const = default;
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

}  // namespace syn
