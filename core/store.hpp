// What a node remembers over a restart. Production: a folder; tests: memory, and a disk with faults.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn {

// Names are [a-z0-9_.-]{1,64}. After a power cut at any moment a name holds its old or its new content, never a
// mixture, and an appended record is there whole or not at all (P11).
class Store {
 public:
  using Done = std::move_only_function<void(Expected<>)>;  // runs on the loop once durable, never inline

  virtual ~Store() = default;
  virtual Expected<std::optional<Bytes>> load(std::string_view name) = 0;   // nullopt: never written
  virtual Expected<std::vector<Bytes>> records(std::string_view name) = 0;  // what append() wrote, in order
  virtual void replace(std::string_view name, Bytes bytes, Done done) = 0;
  virtual void append(std::string_view name, Bytes record, Done done) = 0;
};

}  // namespace syn
