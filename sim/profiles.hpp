// Device profiles: what known machines can do, as files (sim/profiles/*.toml, compiled in), and files of one's own.
#pragma once

#include <string_view>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"

namespace syn::sim {

// By name ("pi4"), or from a file when `name_or_path` ends in ".toml". Every figure of a file must be there, finite and
// positive; unknown keys are refused, since a misspelt figure would be silently replaced.
Expected<DeviceProfile> profile(std::string_view name_or_path);
Expected<DeviceProfile> read_profile(std::string_view name, std::string_view toml);
std::vector<std::string_view> profile_names();

// What the build found in sim/profiles.
struct BuiltIn {
  std::string_view name, text;
};
const std::vector<BuiltIn>& built_in_profiles();

}  // namespace syn::sim
