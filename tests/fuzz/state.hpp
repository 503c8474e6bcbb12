// The float model whose stored states the target `state` reads; its seeds need it, too.
#pragma once

#include "snn/real/engine.hpp"

namespace syn::fuzz {

snn::real::Engine small_float_engine();

}  // namespace syn::fuzz
