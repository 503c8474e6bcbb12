// The inner loops of spiking neurons in training: plain arrays, no libtorch, so that they can be compiled to be fast.
#pragma once

#include <cstddef>
#include <cstdint>

namespace syn::train {

// All arrays are [steps][neurons]; the loops run over begin .. end of the neurons, so that threads can share them.
// An integrate-and-fire neuron, as snn::real::If steps it: v += in; s = v > threshold; v -= s threshold.
// `peak` is v before the subtraction, which the way back needs.
void integrate_and_fire_forward(const float* in, float* spikes, float* peak, std::size_t steps, std::size_t neurons,
                                std::size_t begin, std::size_t end, float threshold);

// The gradient of `in` from that of the spikes. Instead of the step's derivative, which is 0 or infinite, that of
// arctan stands: 1 / (1 + (pi (v - threshold) / threshold)^2) (Fang et al. 2021, "Deep residual learning in spiking
// neural networks"; alpha = 2). The reset passes no gradient (Zenke and Vogels 2021).
void integrate_and_fire_backward(const float* spike_gradient, const float* peak, float* in_gradient, std::size_t steps,
                                 std::size_t neurons, std::size_t begin, std::size_t end, float threshold);

}  // namespace syn::train
