#include "conversion/data/events/summary.hpp"

#include "conversion/data/events/filters.hpp"

namespace syn::data {

namespace {

class Summarised final : public EventReader {
 public:
  Summarised(std::unique_ptr<EventReader> inner, EventSummary& summary) : inner_(std::move(inner)), summary_(summary) {
    const Sensor& sensor = inner_->recording().sensor;
    if (sensor.pixels() <= kMostPixels) fired_.resize(sensor.pixels());
  }
  const Recording& recording() const override { return inner_->recording(); }
  Repairs repairs() const override { return inner_->repairs(); }
  std::optional<double> done() const override { return inner_->done(); }

  Expected<bool> next(Events& chunk) override {
    const auto more = inner_->next(chunk);
    if (!more || !*more) return more;
    if (summary_.events == 0) summary_.first_us = chunk.t.front();
    summary_.last_us = chunk.t.back();
    summary_.events += chunk.size();
    for (const std::uint8_t polarity : chunk.polarity) summary_.on += polarity;
    for (std::size_t i = 0; i < chunk.size() && !fired_.empty(); ++i) {
      const std::size_t pixel = std::size_t{chunk.y[i]} * recording().sensor.width + chunk.x[i];
      summary_.active_pixels += !fired_[pixel];
      fired_[pixel] = true;
    }
    return true;
  }

 private:
  std::unique_ptr<EventReader> inner_;
  EventSummary& summary_;
  std::vector<bool> fired_;
};

}  // namespace

std::unique_ptr<EventReader> summarised(std::unique_ptr<EventReader> inner, EventSummary& summary) {
  return std::make_unique<Summarised>(std::move(inner), summary);
}

}  // namespace syn::data
