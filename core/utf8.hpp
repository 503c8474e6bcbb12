// UTF-8, strictly (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <string>
#include <string_view>

namespace syn {

// Length of the longest prefix that is UTF-8.
std::size_t utf8_prefix(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return utf8_prefix(text) == text.size();
}
// Every byte that belongs to no character becomes '?', and whole characters are cut off the end down to `most` bytes.
std::string clean_utf8(std::string_view text, std::size_t most);

}  // namespace syn
