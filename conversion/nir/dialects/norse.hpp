// Norse, as norse/torch/utils/import_nir.py builds it: LIFBoxCell and LIBoxCell (forward Euler), IAFCell (no dt).
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kNorse{
    .name = "norse",
    .sentence = "forward Euler; > threshold; reset to v_reset in the same step; IF adds r x a step",
};
}  // namespace syn::nir
