// The XML that an AEDAT 4 file describes its streams with. Private to this folder; a header of its own for its test.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conversion/data/events/events.hpp"

namespace syn::data {

struct DvStream {
  std::int32_t id = 0;
  std::string type;  // "EVTS", "FRME", "IMUS", "TRIG"
  std::string source;
  Sensor sensor;
};

// The children of the node "outInfo", as nested <node name="..."> and <attr key="...">value</attr> have them. Absent
// when the text is not of this kind.
std::optional<std::vector<DvStream>> dv_streams(std::string_view xml);

}  // namespace syn::data
