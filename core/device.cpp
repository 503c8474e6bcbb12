#include "core/device.hpp"

#include <cmath>

namespace syn {

Duration DeviceProfile::time_of(const Work& work) const {
  const double us = static_cast<double>(work.synaptic_operations) / synops_per_us +
                    static_cast<double>(work.neuron_updates) / updates_per_us;
  return Duration{static_cast<std::int64_t>(std::ceil(us * 1000))};
}

Duration DeviceProfile::time_of_message(std::size_t bytes) const {
  return Duration{static_cast<std::int64_t>(std::ceil(message_us * 1000 + static_cast<double>(bytes) * byte_ns))};
}

}  // namespace syn
