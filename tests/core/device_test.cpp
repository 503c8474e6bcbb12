#include "core/device.hpp"

#include <doctest/doctest.h>

namespace syn {

TEST_CASE("work becomes whole nanoseconds, rounded up") {
  const DeviceProfile device{.name = "d", .source = "", .synops_per_us = 1000, .updates_per_us = 100};
  CHECK(device.time_of({}) == Duration{0});
  CHECK(device.time_of({.synaptic_operations = 5000, .neuron_updates = 200}) == Duration{7000});
  CHECK(device.time_of({.synaptic_operations = 1}) == Duration{1});
  CHECK(device.time_of({.synaptic_operations = 3, .neuron_updates = 0}) == Duration{3});
}

TEST_CASE("a message costs a fixed time and one per byte") {
  const DeviceProfile device{.name = "d", .source = "", .message_us = 20, .byte_ns = 5};
  CHECK(device.time_of_message(0) == Duration{20'000});
  CHECK(device.time_of_message(1000) == Duration{25'000});
}

}  // namespace syn
