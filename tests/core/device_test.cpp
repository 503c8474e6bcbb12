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

TEST_CASE("processes on one machine share its cores and its memory alike") {
  const DeviceProfile device{.name = "d", .source = "", .synops_per_us = 1000, .message_us = 20, .memory_bytes = 4000, .cores = 4};
  const DeviceProfile two = device.shared_by(2), eight = device.shared_by(8);
  CHECK(device.shared_by(1) == device);
  CHECK(two.cores == 2);
  CHECK(two.synops_per_us == 1000);
  CHECK(two.memory_bytes == 2000);
  CHECK(eight.cores == 1);
  CHECK(eight.synops_per_us == 500);
  CHECK(eight.message_us == 40);
}

}  // namespace syn
