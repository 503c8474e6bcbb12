// Text from values, over to_chars (GCC 12 has no <format>). Locale never matters; numbers read back to the same value.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace syn::text {

inline void append(std::string& out, std::string_view s) {
  out += s;
}
inline void append(std::string& out, const char* s) {
  out += s;
}
inline void append(std::string& out, char c) {
  out += c;
}
inline void append(std::string& out, bool b) {
  out += b ? "true" : "false";
}
template <class T>
requires(std::integral<T> || std::floating_point<T>) void append(std::string& out, T value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}
template <class T>
requires std::is_enum_v<T>
void append(std::string& out, T value) {
  append(out, static_cast<std::int64_t>(value));
}

// cat("port ", 7000, " is taken") == "port 7000 is taken"
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

// fixed(0.91234, 2) == "0.91"
std::string fixed(double value, int decimals);
// grouped(1234567) == "1,234,567"
std::string grouped(std::int64_t value);
// hex of raw bytes, lower case
std::string hex(std::string_view bytes);
// bytes(1536) == "1.5 kB"; decimal units
std::string bytes(double count);

}  // namespace syn::text
