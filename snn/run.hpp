// Steps a compiled model. Internal to snn/; engine.hpp says what the two mean.
#pragma once

#include "snn/compiled.hpp"
#include "snn/engine.hpp"

namespace syn::snn {

Work run(const Compiled& compiled, const kernels::Table& kernels, State& state, Window& window, Team* team);
std::vector<std::int32_t> potentials(const Compiled& compiled, const kernels::Table& kernels, const State& state,
                                     std::uint32_t population);

}  // namespace syn::snn
