#include "bench/kernels/probes_plain.hpp"

#include <algorithm>

namespace syn::bench::plain {
namespace {

void load(std::byte* at, std::size_t bytes, std::size_t passes) {
  const auto* from = reinterpret_cast<const std::uint64_t*>(at);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes / sizeof *from; ++i) sum += from[i];
    asm volatile("" : "+r"(sum)::"memory");
  }
}

void store(std::byte* at, std::size_t bytes, std::size_t passes) {
  auto* to = reinterpret_cast<std::uint64_t*>(at);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    std::fill_n(to, bytes / sizeof *to, pass);
    asm volatile("" ::: "memory");
  }
}

void load_add_store(std::byte* at, std::size_t bytes, std::size_t passes) {
  auto* to = reinterpret_cast<std::uint32_t*>(at);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < bytes / sizeof *to; ++i) to[i] += 3;
    asm volatile("" ::: "memory");
  }
}

}  // namespace

Probes probes() {
  return {.vector_bytes = sizeof(std::uint64_t), .load = load, .store = store, .load_add_store = load_add_store};
}

void scatter(const Scatter& layer, const std::uint16_t* counts, std::int32_t* sums) {
  for (std::size_t y = 0; y < layer.height; ++y) {
    for (std::size_t x = 0; x < layer.width; ++x) {
      for (std::size_t c = 0; c < layer.channels; ++c, ++counts) {
        if (*counts == 0) continue;
        for (std::size_t ky = 0; ky < 3; ++ky) {
          for (std::size_t kx = 0; kx < 3; ++kx) {
            const std::size_t ty = y + 1 - ky, tx = x + 1 - kx;  // below 0: very great
            if (ty >= layer.height || tx >= layer.width) continue;
            const std::int16_t* weights = layer.weights + ((ky * 3 + kx) * layer.channels + c) * layer.outputs;
            std::int32_t* to = sums + (ty * layer.width + tx) * layer.outputs;
            for (std::size_t o = 0; o < layer.outputs; ++o) to[o] += weights[o] * *counts;
          }
        }
      }
    }
  }
}

}  // namespace syn::bench::plain
