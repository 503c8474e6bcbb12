// The text at the head of Prophesee's DAT and RAW files: lines "% keyword value".
#pragma once

#include <map>
#include <optional>
#include <string>

#include "conversion/data/events/formats.hpp"

namespace syn::data::formats {

struct PropheseeHeader {
  std::map<std::string, std::string, std::less<>> values;  // keywords in lower case
  // From "width" and "height", "geometry 1280x720" or "format EVT3;height=720;width=1280".
  std::optional<Sensor> sensor() const;
  // "2.0", "EVT3", ...; empty when the header does not say.
  std::string encoding() const;
  bool is_dat() const { return values.contains("data"); }
};

// Takes the header. A line belongs to it when it begins with "% "; "% end" is its last.
Expected<PropheseeHeader> take_header(ByteSource& source);
// The same for the first bytes of a file, without taking any.
PropheseeHeader header_in(ByteView start);

}  // namespace syn::data::formats
