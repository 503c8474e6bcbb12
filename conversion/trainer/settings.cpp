#include "conversion/trainer/settings.hpp"

#include "core/text.hpp"

namespace syn::train {

std::string describe(const Settings& s) {
  std::string out = text::cat("arch ", s.architecture, ", epochs ", s.epochs, ", batch ", s.batch, ", lr ", s.rate,
                              ", momentum ", s.momentum, ", weight decay ", s.weight_decay, ", average ", s.average,
                              ", seed ", s.seed, ", validation ", s.validation, ", shift ", s.augmentation.shift,
                              ", flip ", s.augmentation.flip, ", erase ", s.augmentation.erase, ", mean ",
                              s.scaling.mean, ", std ", s.scaling.deviation, ", ", s.bfloat16 ? "bfloat16" : "float32");
  if (s.distillation) {
    out += text::cat(", temperature ", s.distillation->temperature, ", alpha ", s.distillation->alpha);
  }
  if (s.framing) out += text::cat(", window ", s.framing->window_us, " us, steps ", s.framing->steps);
  return out;
}

}  // namespace syn::train
