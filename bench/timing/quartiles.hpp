// The middle half of what was measured: medians are what is quoted, their neighbours say how far to trust them.
#pragma once

#include <vector>

namespace syn::bench {

struct Quartiles {
  double low = 0, median = 0, high = 0;
};
Quartiles quartiles(std::vector<double> values);

}  // namespace syn::bench
