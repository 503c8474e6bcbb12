// A network whose inference takes a millisecond and more, for what is shared by threads: six convolutions on 28 x 28,
// 521 M multiply-adds, random weights, about two neurons of five active. Volley 8.
#pragma once

#include "snn/model.hpp"

namespace syn::bench {

snn::Model wide_network();
std::vector<Count> wide_image();

}  // namespace syn::bench
