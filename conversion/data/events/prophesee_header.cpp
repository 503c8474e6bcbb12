#include "conversion/data/events/prophesee_header.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/text.hpp"

namespace syn::data::formats {

namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kMostLines = 256;

std::optional<std::uint32_t> side(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > kGreatestSensorSide) return {};
  return value;
}

std::optional<Sensor> both(std::string_view width, std::string_view height) {
  const auto w = side(width), h = side(height);
  if (!w || !h) return {};
  return Sensor{*w, *h, 2};
}

// The value of `key` in "EVT3;height=720;width=1280".
std::string_view part(std::string_view text, std::string_view key) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string_view piece = text.substr(begin, end - begin);
    if (piece.starts_with(key) && piece.size() > key.size() && piece[key.size()] == '=') {
      return piece.substr(key.size() + 1);
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace

std::optional<Sensor> PropheseeHeader::sensor() const {
  const auto value = [&](const char* key) {
    const auto at = values.find(key);
    return at == values.end() ? std::string_view() : std::string_view(at->second);
  };
  if (const auto found = both(value("width"), value("height"))) return found;
  const std::string_view geometry = value("geometry"), format = value("format");
  if (const std::size_t x = geometry.find('x'); x != std::string_view::npos) {
    if (const auto found = both(geometry.substr(0, x), geometry.substr(x + 1))) return found;
  }
  return both(part(format, "width"), part(format, "height"));
}

std::string PropheseeHeader::encoding() const {
  if (const auto at = values.find("format"); at != values.end()) return at->second.substr(0, at->second.find(';'));
  if (const auto at = values.find("evt"); at != values.end()) return at->second;
  return {};
}

Expected<PropheseeHeader> take_header(ByteSource& source) {
  PropheseeHeader out;
  for (std::size_t lines = 0;; ++lines) {
    const auto start = source.peek(2);
    if (!start) return fail(start.error());
    if (as_text(*start) != "% ") return out;
    const auto line = source.line(kLongestLine);
    if (!line) return fail(line.error());
    if (!*line || lines == kMostLines) {
      return fail("the header does not end", source.where(), "the file is damaged: copy it again");
    }
    const std::string_view rest = std::string_view(**line).substr(2);
    const std::size_t space = std::min(rest.find(' '), rest.size());
    std::string key(rest.substr(0, space));
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
    if (key == "end") return out;
    std::string value(rest.substr(std::min(space + 1, rest.size())));
    while (!value.empty() && value.back() == ' ') value.pop_back();
    out.values.insert_or_assign(std::move(key), std::move(value));
  }
}

PropheseeHeader header_in(ByteView start) {
  ByteSource source = ByteSource::memory(start, "");
  auto header = take_header(source);
  return header ? std::move(*header) : PropheseeHeader{};
}

}  // namespace syn::data::formats
