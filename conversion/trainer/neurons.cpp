#include "conversion/trainer/neurons.hpp"

#include <ATen/Parallel.h>

#include "conversion/trainer/neuron_loops.hpp"
#include "core/assert.hpp"

namespace syn::train {
namespace {

constexpr std::int64_t kShare = 1 << 14;  // neurons that are worth a thread

// One layout for all arrays of a layer: which neuron is which does not matter to it, as long as they agree.
torch::Tensor laid_out(const torch::Tensor& x, at::MemoryFormat format) {
  return x.to(torch::kFloat32).contiguous(format);
}

struct IntegrateAndFire : torch::autograd::Function<IntegrateAndFire> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& given,
                               std::int64_t steps) {
    const auto format = given.suggest_memory_format();
    const torch::Tensor in = laid_out(given, format);
    torch::Tensor spikes = torch::empty_like(in), peak = torch::empty_like(in);
    const std::int64_t neurons = in.numel() / steps;
    const auto* x = in.data_ptr<float>();
    auto *s = spikes.data_ptr<float>(), *p = peak.data_ptr<float>();
    at::parallel_for(0, neurons, kShare, [=](std::int64_t begin, std::int64_t end) {
      integrate_and_fire_forward(x, s, p, static_cast<std::size_t>(steps), static_cast<std::size_t>(neurons),
                                 static_cast<std::size_t>(begin), static_cast<std::size_t>(end),
                                 static_cast<float>(kThreshold));
    });
    context->save_for_backward({peak});
    context->saved_data["steps"] = steps;
    return spikes;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::Tensor peak = context->get_saved_variables()[0];
    const torch::Tensor gradient = laid_out(gradients[0], peak.suggest_memory_format());
    torch::Tensor out = torch::empty_like(peak);
    const std::int64_t steps = context->saved_data["steps"].toInt(), neurons = peak.numel() / steps;
    const auto *g = gradient.data_ptr<float>(), *p = peak.data_ptr<float>();
    auto* o = out.data_ptr<float>();
    at::parallel_for(0, neurons, kShare, [=](std::int64_t begin, std::int64_t end) {
      integrate_and_fire_backward(g, p, o, static_cast<std::size_t>(steps), static_cast<std::size_t>(neurons),
                                  static_cast<std::size_t>(begin), static_cast<std::size_t>(end),
                                  static_cast<float>(kThreshold));
    });
    return {out, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor integrate_and_fire(const torch::Tensor& in, std::int64_t steps) {
  SYN_ASSERT(steps > 0 && in.size(0) % steps == 0, steps, in.size(0));
  return IntegrateAndFire::apply(in, steps);
}

}  // namespace syn::train
