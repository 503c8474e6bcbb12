#include "sim/profiles.hpp"

// toml++ 3.3 asserts that a key follows '[' before it checks that one does: a typing error would abort the program.
#define TOML_ASSERT(condition) static_cast<void>(0)

#include <toml++/toml.h>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "core/text.hpp"
#include "core/toml_text.hpp"
#include "core/units.hpp"

namespace syn::sim {

namespace {

constexpr std::size_t kMaxProfileBytes = 64 << 10;

}  // namespace

Expected<DeviceProfile> read_profile(std::string_view name, std::string_view toml_text) {
  const std::string where = text::cat("device profile ", name);
  const auto ascii = to_ascii_toml(toml_text, where);
  if (!ascii) return fail(ascii.error());
  toml::table table;
  try {
    table = toml::parse(*ascii);
  } catch (const toml::parse_error& e) {
    return fail(from_ascii_toml(e.description()), text::cat(where, ", line ", e.source().begin.line),
                "correct the TOML");
  }
  DeviceProfile p;
  p.name = std::string(name);
  double cores = 0;
  const std::vector<std::pair<std::string_view, double*>> figures = {{"synops_per_us", &p.synops_per_us},
                                                                     {"updates_per_us", &p.updates_per_us},
                                                                     {"message_us", &p.message_us},
                                                                     {"byte_ns", &p.byte_ns},
                                                                     {"link_mbit", &p.link_mbit},
                                                                     {"link_latency_us", &p.link_latency_us},
                                                                     {"watts", &p.watts},
                                                                     {"cores", &cores}};
  std::set<std::string_view> known = {"source", "memory"};
  for (const auto& [key, value] : figures) {
    known.insert(key);
    const auto found = table[key].value<double>();
    if (!found || !std::isfinite(*found) || *found <= 0 || *found > 1e9) {
      return fail(text::cat("the figure '", key, "' is missing or not a positive number"), where,
                  "give every figure; see docs/simulation.md");
    }
    *value = *found;
  }
  if (cores < 1 || cores > 1024) return fail("'cores' is not between 1 and 1024", where, "give the number of cores");
  p.cores = static_cast<std::uint32_t>(cores);
  const auto memory = table["memory"].value<std::string_view>();
  if (!memory) return fail("'memory' is missing", where, "write it like \"512MB\"");
  const auto bytes = read_bytes(*memory, where);
  if (!bytes) return fail(bytes.error());
  p.memory_bytes = *bytes;
  const auto source = table["source"].value<std::string_view>();
  if (!source || source->empty()) return fail("'source' is missing", where, "say where the figures come from");
  p.source = from_ascii_toml(*source);
  for (const auto& [key, value] : table) {
    if (!known.contains(key.str()))
      return fail(text::cat("unknown key '", from_ascii_toml(key.str()), "'"), where,
                  "see docs/simulation.md for the keys");
  }
  return p;
}

Expected<DeviceProfile> profile(std::string_view name_or_path) {
  for (const BuiltIn& built_in : built_in_profiles()) {
    if (built_in.name == name_or_path) return read_profile(built_in.name, built_in.text);
  }
  if (name_or_path.ends_with(".toml")) {
    std::ifstream in{std::string(name_or_path), std::ios::binary};
    std::string content(kMaxProfileBytes + 1, '\0');
    in.read(content.data(), static_cast<std::streamsize>(content.size()));
    const auto size = static_cast<std::size_t>(in.gcount());
    if (size == 0)
      return fail("the device profile cannot be read, or is empty", std::string(name_or_path), "check the path");
    if (size > kMaxProfileBytes)
      return fail("the device profile is too large", std::string(name_or_path), "at most 64 kB are read");
    content.resize(size);
    return read_profile(name_or_path, content);
  }
  std::string names;
  for (const std::string_view name : profile_names()) names += text::cat(names.empty() ? "" : ", ", name);
  return fail(text::cat("there is no device profile '", name_or_path, "'"), "device profiles",
              text::cat("use one of ", names, ", or a file ending in .toml"));
}

std::vector<std::string_view> profile_names() {
  std::vector<std::string_view> names;
  for (const BuiltIn& built_in : built_in_profiles()) names.push_back(built_in.name);
  return names;
}

}  // namespace syn::sim
