#include "core/units.hpp"

#include <charconv>
#include <span>

#include "core/text.hpp"

namespace syn {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kGreatest = 1'000'000'000'000'000;  // in nanoseconds 11 days, in bytes 1,000,000 GB

// 0 for anything that is not a positive whole number and a known unit.
std::uint64_t read(std::string_view s, std::span<const Unit> units) {
  std::uint64_t n = 0;
  const auto [end, trouble] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (trouble != std::errc{}) return 0;
  const std::string_view name = s.substr(static_cast<std::size_t>(end - s.data()));
  for (const Unit& unit : units) {
    if (unit.name == name) return n <= kGreatest / unit.factor ? n * unit.factor : 0;
  }
  return 0;
}

// The largest unit of which it is a whole number; rounded down when it is one of none.
std::string write(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return text::cat(value / best->factor, best->name);
}

constexpr std::uint64_t kDay = 24ull * 3600 * 1'000'000'000;
constexpr Unit kTimes[] = {{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}};
constexpr Unit kSizes[] = {{"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};

}  // namespace

Expected<Duration> read_duration(std::string_view s, std::string_view where) {
  const std::uint64_t ns = read(s, kTimes);
  if (ns == 0 || ns > kDay) {
    return fail(text::cat("'", s, "' is not a length of time"), std::string(where),
                "write it like \"300ms\", \"10s\" or \"5min\"");
  }
  return Duration{static_cast<std::int64_t>(ns)};
}

std::string write_duration(Duration duration) {
  return write(static_cast<std::uint64_t>(duration.count()), kTimes);
}
std::string write_bytes(std::uint64_t bytes) {
  return write(bytes, kSizes);
}

Expected<std::uint64_t> read_bytes(std::string_view s, std::string_view where) {
  const std::uint64_t bytes = read(s, kSizes);
  if (bytes == 0)
    return fail(text::cat("'", s, "' is not an amount of memory"), std::string(where),
                "write it like \"512MB\" or \"4GB\"");
  return bytes;
}

}  // namespace syn
