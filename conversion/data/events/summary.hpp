// What a recording holds, counted as it flows by.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "conversion/data/events/events.hpp"

namespace syn::data {

struct EventSummary {
  std::uint64_t events = 0, on = 0;
  std::int64_t first_us = 0, last_us = 0;
  std::uint64_t active_pixels = 0;  // that fired at all; 0 for a sensor too large to keep
  std::int64_t duration_us() const { return last_us - first_us; }
  double rate() const {  // events a second
    return duration_us() > 0 ? static_cast<double>(events) * 1e6 / static_cast<double>(duration_us()) : 0;
  }
  double on_share() const { return events > 0 ? static_cast<double>(on) / static_cast<double>(events) : 0; }
  bool operator==(const EventSummary&) const = default;
};

// Hands on what `inner` gives, and counts into `summary`, which must outlive it.
std::unique_ptr<EventReader> summarised(std::unique_ptr<EventReader> inner, EventSummary& summary);

}  // namespace syn::data
