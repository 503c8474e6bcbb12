// Where numbers lie on an axis, and which of them are written beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace syn::report {

enum class Scale : std::uint8_t { linear, log };

struct Tick {
  double value = 0;
  std::string text;
};

// From `low` to `high`, drawn from `begin` to `end` (begin > end where larger is higher up). Whatever it is given, it
// is usable: an empty or turned-round range is widened, what is not finite is taken as 0, and a log axis starts above
// 0.
class Axis {
 public:
  Axis(Scale scale, double low, double high, double begin, double end);
  double at(double value) const;  // clamped to the axis
  double low() const { return low_; }
  double high() const { return high_; }
  // Round numbers within the axis, at most about `wanted`. Linear: 1, 2, 5 times a power of ten. Log: powers of ten,
  // with their double and fivefold where there is room; of two, where the range is within 1 to 256 and `twos` asks for
  // it.
  std::vector<Tick> ticks(std::size_t wanted, bool twos = false) const;

 private:
  Scale scale_;
  double low_, high_, begin_, end_;
};

// A short number for an axis or a label: 1234567 -> "1.2 M", 0.25 -> "0.25", 8 -> "8".
std::string short_number(double value);

}  // namespace syn::report
