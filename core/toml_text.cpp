#include "core/toml_text.hpp"

#include <algorithm>
#include <charconv>

#include "core/text.hpp"
#include "core/utf8.hpp"

namespace syn {

Expected<std::string> to_ascii_toml(std::string_view toml, std::string_view where) {
  if (toml.starts_with("\xef\xbb\xbf")) toml.remove_prefix(3);  // an editor's mark
  const auto line_of = [&](std::size_t at) {
    return text::cat(where, ", line ", 1 + std::ranges::count(toml.substr(0, at), '\n'));
  };
  if (const std::size_t good = utf8_prefix(toml); good < toml.size()) {
    return fail("bytes that are no UTF-8", line_of(good), "save it as UTF-8");
  }
  for (const char* escaped : {"\\u0060", "\\U00000060"}) {
    if (const auto at = toml.find(escaped); at < toml.size()) {
      return fail("an escaped backtick", line_of(at), "write the backtick itself");
    }
  }
  std::string out;
  out.reserve(toml.size());
  for (std::size_t i = 0; i < toml.size(); ++i) {
    const char c = toml[i];
    if (c == '`' || static_cast<unsigned char>(c) >= 0x80) {
      out += text::cat('`', text::hex({&c, 1}));
    } else if ((c >= ' ' && c != '\x7f') || c == '\t' || c == '\n' || c == '\r') {
      out += c;
    } else {
      return fail("a control character", line_of(i), "remove it");
    }
  }
  return out;
}

std::string from_ascii_toml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const bool coded = text[i] == '`' && i + 3 <= text.size() &&
                       std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3;
    out += coded ? static_cast<char>(byte) : text[i];
    if (coded) i += 2;
  }
  return out;
}

std::string quoted_for_toml(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
      out += text::cat("\\u00", text::hex({&c, 1}));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace syn
