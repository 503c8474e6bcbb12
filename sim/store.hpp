// A disk in memory. It survives its node: what was durable when the node was killed is there when it starts again. A
// write under way at that moment is, by the toss of a seeded coin, there whole or not at all; never torn (P11).
#pragma once

#include <deque>
#include <map>
#include <string>

#include "core/random.hpp"
#include "core/store.hpp"

namespace syn::sim {

class MemoryStore final : public Store {
 public:
  // Runs a function on the node's loop after the time that a write takes.
  using Later = std::function<void(std::move_only_function<void()>)>;
  explicit MemoryStore(Later later) : later_(std::move(later)) {}

  Expected<std::optional<Bytes>> load(std::string_view name) override;
  Expected<std::vector<Bytes>> records(std::string_view name) override;
  void replace(std::string_view name, Bytes bytes, Done done) override;
  void append(std::string_view name, Bytes record, Done done) override;

  void crash(Random& random);                         // the node died: settle what was under way
  void break_down(bool broken) { broken_ = broken; }  // every write fails from now on (disk full)

 private:
  struct Write {
    std::string name;
    Bytes bytes;
    bool whole;  // replace, not append
    Done done;
  };
  void write(Write write);
  void apply(Write& write);

  Later later_;
  std::map<std::string, Bytes, std::less<>> files_;
  std::map<std::string, std::vector<Bytes>, std::less<>> logs_;
  std::deque<Write> pending_;  // writes become durable in order
  std::uint64_t crashes_ = 0;
  bool broken_ = false;
};

}  // namespace syn::sim
