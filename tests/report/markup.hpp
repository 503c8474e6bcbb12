// Enough of an XML reader to say whether a page is well formed: every element closed in order, attributes quoted, no
// bare
// '<' or '&' in text.
#pragma once

#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace syn::test {

// Empty when well formed, else what is wrong and where. Fills `ids` with the id attributes.
inline std::string malformed(std::string_view s, std::set<std::string>* ids = nullptr) {
  std::vector<std::string> open;
  const auto wrong = [&](std::string_view what, std::size_t at) {
    return std::string(what) + " at byte " + std::to_string(at) + ": " + std::string(s.substr(at, 60));
  };
  const auto entity = [&](std::size_t at) {
    for (const std::string_view e : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
      if (s.substr(at).starts_with(e)) return true;
    }
    return false;
  };
  std::size_t at = 0;
  if (s.starts_with("<!DOCTYPE html>")) at = 15;
  while (at < s.size()) {
    if (s[at] != '<') {
      if (s[at] == '&' && !entity(at)) return wrong("a bare &", at);
      ++at;
      continue;
    }
    const std::size_t begin = at++;
    const bool closing = at < s.size() && s[at] == '/';
    if (closing) ++at;
    std::string name;
    while (at < s.size() && (std::isalnum(static_cast<unsigned char>(s[at])) || s[at] == '-')) name += s[at++];
    if (name.empty()) return wrong("a bare <", begin);
    bool alone = false;
    std::set<std::string> attributes;
    for (;;) {
      while (at < s.size() && std::isspace(static_cast<unsigned char>(s[at]))) ++at;
      if (at >= s.size()) return wrong("an element that does not end", begin);
      if (s[at] == '>') break;
      if (s.substr(at, 2) == "/>") {
        alone = true;
        ++at;
        break;
      }
      std::string key;
      while (at < s.size() && (std::isalnum(static_cast<unsigned char>(s[at])) || s[at] == '-' || s[at] == ':'))
        key += s[at++];
      if (key.empty() || closing || s.substr(at, 2) != "=\"") return wrong("a strange attribute", begin);
      if (!attributes.insert(key).second) return wrong("an attribute twice", begin);
      at += 2;
      std::string value;
      while (at < s.size() && s[at] != '"') {
        if (s[at] == '<' || (s[at] == '&' && !entity(at))) return wrong("an unescaped attribute", begin);
        value += s[at++];
      }
      if (at >= s.size()) return wrong("an attribute that does not end", begin);
      ++at;
      if (key == "id" && ids && !ids->insert(value).second) return wrong("an id twice", begin);
    }
    ++at;
    if (closing) {
      if (open.empty() || open.back() != name) return wrong("closed out of order", begin);
      open.pop_back();
    } else if (!alone) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

}  // namespace syn::test
