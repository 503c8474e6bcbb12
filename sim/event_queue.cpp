#include "sim/event_queue.hpp"

#include <algorithm>

namespace syn::sim {

EventQueue::Key EventQueue::push(Instant at, Fn fn) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].fn = std::move(fn);
  const Key key{slot, slots_[slot].use};
  heap_.push_back({std::max(at, now_), sequence_++, key});
  std::push_heap(heap_.begin(), heap_.end(), Later{});
  return key;
}

void EventQueue::free(std::uint32_t slot) {
  ++slots_[slot].use;
  free_.push_back(slot);
}

void EventQueue::cancel(Key key) {
  if (slots_[key.slot].use != key.use) return;  // it ran, or was cancelled before
  // Destroyed only after the slot is free: what the function owns may come back here.
  const Fn gone = std::move(slots_[key.slot].fn);
  slots_[key.slot].fn = {};
  free(key.slot);
}

void EventQueue::skip_cancelled() {
  while (!heap_.empty() && slots_[heap_.front().key.slot].use != heap_.front().key.use) {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    heap_.pop_back();
  }
}

std::optional<Instant> EventQueue::next() {
  skip_cancelled();
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().at);
}

bool EventQueue::run_next() {
  skip_cancelled();
  if (heap_.empty()) return false;
  const Entry entry = heap_.front();
  std::pop_heap(heap_.begin(), heap_.end(), Later{});
  heap_.pop_back();
  now_ = entry.at;
  Fn fn = std::move(slots_[entry.key.slot].fn);
  slots_[entry.key.slot].fn = {};
  free(entry.key.slot);
  fn();
  return true;
}

void EventQueue::run_until(Instant until) {
  for (auto at = next(); at && *at <= until; at = next()) run_next();
  now_ = std::max(now_, until);
}

}  // namespace syn::sim
