#include "report/axis.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"

namespace syn::report {

namespace {

constexpr double kSmallest = 1e-12;  // where a log axis may start
constexpr double kGreatest = 1e100;  // differences stay finite

// Significant digits enough for `step` to show, no more.
std::string tick_text(double value, double step) {
  if (std::abs(value) >= 10000 && step >= 100) return short_number(value);
  int decimals = 0;
  for (double s = step; s < 0.999 && decimals < 9; s *= 10) ++decimals;
  return text::fixed(value, decimals);
}

}  // namespace

std::string short_number(double value) {
  static constexpr const char* kUnits[] = {"", " k", " M", " G", " T"};
  if (!std::isfinite(value)) return text::fixed(value, 0);
  std::size_t unit = 0;
  while (std::abs(value) >= 1000 && unit + 1 < std::size(kUnits)) value /= 1000, ++unit;
  int decimals = 0;
  if (value != 0) decimals = std::clamp(1 - static_cast<int>(std::floor(std::log10(std::abs(value)))), 0, 9);
  std::string s = text::fixed(value, decimals);
  if (s.find('.') != std::string::npos) {
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
  }
  return s + kUnits[unit];
}

Axis::Axis(Scale scale, double low, double high, double begin, double end)
    : scale_(scale), low_(low), high_(high), begin_(begin), end_(end) {
  if (!std::isfinite(low_)) low_ = 0;
  if (!std::isfinite(high_)) high_ = low_;
  low_ = std::clamp(low_, -kGreatest, kGreatest);
  high_ = std::clamp(high_, -kGreatest, kGreatest);
  if (high_ < low_) std::swap(low_, high_);
  if (scale_ == Scale::log) {
    low_ = std::max(low_, kSmallest);
    high_ = std::max(high_, low_);
    if (high_ <= low_ * 1.001) low_ /= 1.5, high_ *= 1.5;
  } else if (high_ - low_ <= std::max(std::abs(low_), std::abs(high_)) * 1e-12) {
    const double around = std::max(std::abs(low_) * 0.1, 0.5);
    low_ -= around, high_ += around;
  }
}

double Axis::at(double value) const {
  if (std::isnan(value)) value = low_;
  value = std::clamp(value, low_, high_);
  const double part =
      scale_ == Scale::log ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return begin_ + part * (end_ - begin_);
}

std::vector<Tick> Axis::ticks(std::size_t wanted, bool twos) const {
  std::vector<Tick> ticks;
  wanted = std::max<std::size_t>(wanted, 2);
  if (scale_ == Scale::log && twos && low_ >= 0.5 && high_ <= 512) {
    for (double v = 1; v <= high_ * 1.0001; v *= 2) {
      if (v >= low_ * 0.9999) ticks.push_back({v, text::fixed(v, 0)});
    }
    if (!ticks.empty()) return ticks;
  }
  if (scale_ == Scale::log && high_ / low_ > 3) {
    const double decades = std::log10(high_ / low_);
    const std::vector<double> steps =
        decades * 3 <= static_cast<double>(wanted) + 1 ? std::vector<double>{1, 2, 5} : std::vector<double>{1};
    const double every = std::max(1.0, std::ceil(decades / static_cast<double>(wanted)));
    for (double power = std::floor(std::log10(low_)); power <= std::log10(high_); power += every) {
      for (const double s : steps) {
        const double v = s * std::pow(10.0, power);
        if (v >= low_ * 0.9999 && v <= high_ * 1.0001) ticks.push_back({v, short_number(v)});
      }
    }
    if (ticks.size() >= 3) return ticks;
    ticks.clear();
  }
  const double raw = (high_ - low_) / static_cast<double>(wanted);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power * 10;
  for (const double s : {1.0, 2.0, 5.0}) {
    if (s * power >= raw * 0.9999) {
      step = s * power;
      break;
    }
  }
  for (double k = std::ceil(low_ / step - 1e-9); k * step <= high_ + step * 1e-9; k += 1) {
    ticks.push_back({k * step, tick_text(k == 0 ? 0 : k * step, step)});
  }
  return ticks;
}

}  // namespace syn::report
