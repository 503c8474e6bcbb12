#include <charconv>

#include "conversion/data/events/aedat4.hpp"

namespace syn::data {

namespace {

constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostStreams = 256;

// The value of `name` in the tag's text: name="value".
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t quote = at + name.size();
    if (at == 0 || tag[at - 1] != ' ' || tag.substr(quote, 2) != "=\"") continue;
    const std::size_t begin = quote + 2, end = tag.find('"', begin);
    return end == std::string_view::npos ? std::string_view() : tag.substr(begin, end - begin);
  }
  return {};
}

template <class T>
std::optional<T> whole(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

std::optional<std::vector<DvStream>> dv_streams(std::string_view xml) {
  std::vector<DvStream> out;
  std::vector<std::string_view> path;  // names of the nodes that are open
  for (std::size_t at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at)) {
    const std::size_t end = xml.find('>', at);
    if (end == std::string_view::npos) return {};
    const std::string_view tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.starts_with("node ") || tag == "node") {
      if (!tag.ends_with('/')) path.push_back(attribute(tag, "name"));
      if (path.size() > kDeepest) return {};
      if (path.size() == 2 && path[0] == "outInfo") {
        const auto id = whole<std::int32_t>(path[1]);
        if (!id || out.size() == kMostStreams) return {};
        out.push_back({.id = *id});
      }
    } else if (tag == "/node") {
      if (path.empty()) return {};
      path.pop_back();
    } else if (tag.starts_with("attr ") && !tag.ends_with('/') && path.size() >= 2 && path[0] == "outInfo") {
      const std::string_view key = attribute(tag, "key");
      const std::string_view value = xml.substr(at, std::min(xml.find('<', at), xml.size()) - at);
      DvStream& stream = out.back();
      if (path.size() == 2 && key == "typeIdentifier") stream.type = value;
      if (path.size() == 3 && path[2] == "info") {
        const auto side = whole<std::uint32_t>(value);
        const std::uint32_t bounded = side && *side <= kGreatestSensorSide ? *side : 0;
        if (key == "sizeX") stream.sensor.width = bounded;
        if (key == "sizeY") stream.sensor.height = bounded;
        if (key == "source") stream.source = value.substr(0, 200);
      }
    }
  }
  return out;
}

}  // namespace syn::data
