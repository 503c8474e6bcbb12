// What a piece of a model is predicted to cost in time and on the wire, by a device's profile: the planner's
// arithmetic. Doubles are fine here: a plan is made once and then carried as data.
#pragma once

#include "core/device.hpp"
#include "core/plan.hpp"
#include "snn/cost.hpp"
#include "snn/model.hpp"

namespace syn::nodes {

inline constexpr double kFrameHeaderBytes = 32;

// Of one inference's counts of a population (or `share` of its channels), over all windows: frames, headers, overhead.
double wire_bytes_of(const snn::Population& population, double share, std::uint32_t rows, std::uint32_t windows);

// `share` of a population's cost (snn/cost.hpp), on one core.
double compute_us(const snn::Cost& cost, double share, const DeviceProfile& device);
double message_us(double messages, double bytes, const DeviceProfile& device);
double link_us(double bytes, const DeviceProfile& device);

}  // namespace syn::nodes
