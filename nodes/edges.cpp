#include "nodes/edges.hpp"

#include <algorithm>

namespace syn::nodes {

void OutEdge::push(InferenceId inference, Bytes encoded) {
  ++account_.sent;
  if (closed_) {
    ++account_.dropped;
  } else {
    ++account_.queued;
    queue_.push_back({inference, std::move(encoded)});
  }
  verify();
}

bool OutEdge::pump(Peers& peers) {
  while (!queue_.empty() && account_.in_flight < spec_.credit) {
    Waiting& next = queue_.front();
    const auto sent = peers.send(spec_.to, Channel::data, next.encoded);
    if (sent == Sent::full) return true;
    if (sent == Sent::no_peer) return false;  // its coming back, or its loss, will be told
    ++account_.frames;
    account_.bytes += next.encoded.size();
    --account_.queued;
    ++account_.in_flight;
    flying_.push_back(next.inference);
    queue_.pop_front();
  }
  verify();
  return false;
}

bool OutEdge::ack(std::uint64_t consumed) {
  if (closed_ || consumed <= account_.acked) return true;  // an older one, overtaken by loss
  const bool honest = consumed - account_.acked <= account_.in_flight;
  const auto news = honest ? consumed - account_.acked : account_.in_flight;
  account_.acked += news;
  account_.in_flight -= news;
  flying_.erase(flying_.begin(), flying_.begin() + static_cast<std::ptrdiff_t>(news));
  verify();
  return honest;
}

void OutEdge::drop(InferenceId inference) {
  const auto n = std::erase_if(queue_, [&](const Waiting& w) { return w.inference == inference; });
  account_.queued -= n;
  account_.dropped += n;
  verify();
}

std::vector<InferenceId> OutEdge::close() {
  std::vector<InferenceId> gone(flying_.begin(), flying_.end());
  for (const auto& w : queue_) gone.push_back(w.inference);
  account_.lost += account_.in_flight;
  account_.dropped += account_.in_flight + account_.queued;
  account_.in_flight = account_.queued = 0;
  flying_.clear();
  queue_.clear();
  closed_ = true;
  verify();
  return gone;
}

}  // namespace syn::nodes
