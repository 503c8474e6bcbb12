// N-MNIST's format, written: for the made event set (made_set.hpp) and for the readers' tests.
#pragma once

#include "conversion/data/events/events.hpp"
#include "core/types.hpp"

namespace syn::data {

// Events in order of time, from 0 on, of at most 256 x 240 pixels; others are an error.
Expected<Bytes> write_nmnist(const Events& events);

}  // namespace syn::data
