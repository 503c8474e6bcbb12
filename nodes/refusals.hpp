// What was refused, counted by reason. Ordered, so that whoever prints it prints the same on every machine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syn::nodes {

class Refusals {
 public:
  // `reason` is a constant of ours in lower case with underscores: "old_epoch". Never text from outside: the map must
  // stay small whatever a peer sends (P5).
  void count(std::string_view reason) {
    const auto at = counts_.find(reason);
    if (at == counts_.end()) {
      counts_.emplace(reason, 1);
    } else {
      ++at->second;
    }
  }
  std::uint64_t of(std::string_view reason) const {
    const auto at = counts_.find(reason);
    return at == counts_.end() ? 0 : at->second;
  }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& [reason, n] : counts_) sum += n;
    return sum;
  }
  std::vector<std::pair<std::string, std::uint64_t>> list() const { return {counts_.begin(), counts_.end()}; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace syn::nodes
