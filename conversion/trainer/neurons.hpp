// Spiking neurons that libtorch can learn through. This room's own header.
#pragma once

#include "conversion/trainer/torch.hpp"

namespace syn::train {

// The neurons' threshold; weights are learnt against it, so any number would do.
inline constexpr double kThreshold = 1;

// A layer of integrate-and-fire neurons over whole recordings: `in` is [steps x batch, ...] with all of step 0 first,
// as are the spikes (0 or 1) that come back. Keeps the memory layout.
torch::Tensor integrate_and_fire(const torch::Tensor& in, std::int64_t steps);

}  // namespace syn::train
