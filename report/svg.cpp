#include "report/svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::report {

namespace {

// How many bytes the UTF-8 sequence at `at` has; 0 if it is none (overlong, a surrogate, beyond U+10FFFF, cut short).
std::size_t sequence(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned b = byte(at);
  if (b < 0x80) return 1;
  if (b >= 0xc2 && b <= 0xdf) return follows(at + 1) ? 2 : 0;
  if (b >= 0xe0 && b <= 0xef) {
    const unsigned second = byte(at + 1);
    if ((b == 0xe0 && second < 0xa0) || (b == 0xed && second > 0x9f)) return 0;
    return follows(at + 1) && follows(at + 2) ? 3 : 0;
  }
  if (b >= 0xf0 && b <= 0xf4) {
    const unsigned second = byte(at + 1);
    if ((b == 0xf0 && second < 0x90) || (b == 0xf4 && second > 0x8f)) return 0;
    return follows(at + 1) && follows(at + 2) && follows(at + 3) ? 4 : 0;
  }
  return 0;
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence(text, i);
    const std::string_view character = text.substr(i, std::max<std::size_t>(1, length));
    i += character.size();
    const auto c = static_cast<unsigned char>(character[0]);
    if (length == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) {
      out += kReplacement;
    } else if (character == "&") {
      out += "&amp;";
    } else if (character == "<") {
      out += "&lt;";
    } else if (character == ">") {
      out += "&gt;";
    } else if (character == "\"") {
      out += "&quot;";
    } else if (character == "'") {
      out += "&#39;";
    } else if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") {  // no characters of XML
      out += kReplacement;
    } else {
      out += character;
    }
  }
  return out;
}

std::string coordinate(double value) {
  SYN_ASSERT(std::isfinite(value));  // a chart that scales by nothing must say so itself
  std::string s = text::fixed(value, 2);
  s.erase(s.find_last_not_of('0') + 1);
  if (s.back() == '.') s.pop_back();
  return s == "-0" ? "0" : s;
}

namespace {

std::string colour_of(std::uint32_t rgb) {
  const char bytes[3] = {static_cast<char>(rgb >> 16), static_cast<char>(rgb >> 8), static_cast<char>(rgb)};
  return text::cat("#", text::hex({bytes, 3}));
}

}  // namespace

Svg::Svg(std::string_view id, std::string_view title, double width, double height) {
  const std::string w = coordinate(width), h = coordinate(height);
  body_ = text::cat("<svg xmlns=\"http://www.w3.org/2000/svg\"",
                    id.empty() ? std::string() : text::cat(" id=\"", escape(id), "\""), " role=\"img\" viewBox=\"0 0 ",
                    w, " ", h, "\" width=\"", w, "\" height=\"", h, "\" aria-label=\"", escape(title), "\">\n");
}

void Svg::element(std::string_view name, std::string_view attributes, std::string_view classes, std::string_view tip) {
  text::append(body_, text::cat("<", name, attributes));
  if (!classes.empty()) text::append(body_, text::cat(" class=\"", escape(classes), "\""));
  text::append(body_,
               tip.empty() ? std::string("/>\n") : text::cat("><title>", escape(tip), "</title></", name, ">\n"));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view classes) {
  element("line",
          text::cat(" x1=\"", coordinate(x1), "\" y1=\"", coordinate(y1), "\" x2=\"", coordinate(x2), "\" y2=\"",
                    coordinate(y2), "\""),
          classes, {});
}

void Svg::rect(double x, double y, double width, double height, std::string_view classes, std::string_view tip,
               double radius) {
  std::string attributes = text::cat(" x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" width=\"", coordinate(width),
                                     "\" height=\"", coordinate(height), "\"");
  if (radius > 0) attributes += text::cat(" rx=\"", coordinate(radius), "\"");
  element("rect", attributes, classes, tip);
}

void Svg::pixel(double x, double y, double width, double height, std::uint32_t rgb) {
  body_ += text::cat("<rect x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" width=\"", coordinate(width),
                     "\" height=\"", coordinate(height), "\" fill=\"", colour_of(rgb), "\"/>");
}

void Svg::area(std::string_view d, std::uint32_t rgb) {
  body_ += text::cat("<path d=\"", escape(d), "\" fill=\"", colour_of(rgb), "\"/>\n");
}

void Svg::circle(double x, double y, double radius, std::string_view classes, std::string_view tip) {
  element("circle", text::cat(" cx=\"", coordinate(x), "\" cy=\"", coordinate(y), "\" r=\"", coordinate(radius), "\""),
          classes, tip);
}

void Svg::path(std::string_view d, std::string_view classes, std::string_view tip) {
  element("path", text::cat(" d=\"", escape(d), "\""), classes, tip);
}

void Svg::text(double x, double y, std::string_view words, std::string_view classes, std::string_view anchor) {
  body_ += text::cat("<text x=\"", coordinate(x), "\" y=\"", coordinate(y), "\"");
  if (anchor != "start") body_ += text::cat(" text-anchor=\"", anchor, "\"");
  if (!classes.empty()) body_ += text::cat(" class=\"", escape(classes), "\"");
  body_ += text::cat(">", escape(words), "</text>\n");
}

std::string Svg::str() const {
  return body_ + "</svg>";
}

}  // namespace syn::report
