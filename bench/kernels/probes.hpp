// What the machine can do at best with one instruction set, as loops that do nothing else. They are the bounds that
// kernels are measured against, and run in the same rounds.
// Deliberately not here: which kernel is held against which bound (bounds.hpp), the clock (timing/).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace syn::bench {

// Memory of every probe: `bytes` from `at` on, on a cache line, a multiple of kProbeStep; gone over `passes` times.
inline constexpr std::size_t kProbeStep = 1024;
using Probe = void (*)(std::byte* at, std::size_t bytes, std::size_t passes);

struct Probes {
  std::size_t vector_bytes = 0;
  Probe load = nullptr;
  Probe store = nullptr;
  Probe load_add_store = nullptr;  // of 32-bit sums: what scattering an event costs where a weight is free
  // A word of counts (four of 8 bits; two of 16) times the weights of a vector of outputs, from memory; or, where `at`
  // is not read, from registers: as many vectors as `bytes` would hold. Null: this table has no such instruction.
  Probe narrow = nullptr, narrow_registers = nullptr;
  Probe wide = nullptr, wide_registers = nullptr;
};

// Of a table of snn/kernels by its name. "reference" has plain loops for what the compiler makes of them, no products.
Probes probes_of(std::string_view table);

// One event after the other adds its weights to the potentials of all its targets: what a simulator does that has not
// thought about it. 3 x 3, stride 1, padding 1, channel-last; sums in 32 bits, weights in 16.
struct Scatter {
  std::size_t height, width, channels, outputs;  // outputs: a multiple of 16
  const std::int16_t* weights;                   // [kernel y][kernel x][channel][output]
};
using ScatterEvents = void (*)(const Scatter& layer, const std::uint16_t* counts, std::int32_t* sums);
ScatterEvents scatter_of(std::string_view table);

}  // namespace syn::bench
