// The promises of open.hpp, put around any decoder: order of time and the sensor's bounds.
#pragma once

#include <memory>

#include "conversion/data/events/open.hpp"

namespace syn::data {

// `recording` is what the result says of itself; `name` stands in errors.
std::unique_ptr<EventReader> make_checked(std::unique_ptr<EventReader> inner, Recording recording,
                                          const OpenOptions& options, std::string name);

}  // namespace syn::data
