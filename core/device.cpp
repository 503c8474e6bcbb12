#include "core/device.hpp"

#include <algorithm>
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

DeviceProfile DeviceProfile::shared_by(std::uint32_t processes) const {
  DeviceProfile part = *this;
  part.cores = std::max(1u, cores / processes);
  const double share = std::min(1.0, static_cast<double>(cores) / processes);  // of a core
  part.synops_per_us *= share;
  part.updates_per_us *= share;
  part.message_us /= share;
  part.byte_ns /= share;
  part.memory_bytes /= processes;
  return part;
}

}  // namespace syn
