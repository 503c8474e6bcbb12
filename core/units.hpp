// Amounts with their unit, as configuration files spell them.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn {

// "300ms", "2s", "15us", "5min". Whole numbers; at most a day.
Expected<Duration> read_duration(std::string_view text, std::string_view where);
// "512MB", "4GB", "64kB"; decimal units, whole numbers, at most 1,000,000 GB.
Expected<std::uint64_t> read_bytes(std::string_view text, std::string_view where);

// What read back gives the same, in the largest whole unit; below the smallest it is rounded down.
std::string write_duration(Duration duration);
std::string write_bytes(std::uint64_t bytes);

}  // namespace syn
