// A drawing, element by element, as SVG text that stands inside an HTML page. Looks (colours, fonts, dark and light)
// are the page's style sheet: elements only carry class names. Everything that is text is escaped here, once.
// Deliberately not here: axes and charts (plot.hpp); any script: the page has none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace syn::report {

// For text and attribute values of HTML, XHTML and SVG alike. Control characters and broken UTF-8 become U+FFFD, so
// that a name from a foreign file can neither leave its element nor make the page malformed.
std::string escape(std::string_view text);

// A coordinate: at most two decimals, no trailing zeros, never an exponent.
std::string coordinate(double value);

class Svg {
 public:
  // `id` names the drawing in the page; `title` says in words what it shows, for those who cannot see it.
  Svg(std::string_view id, std::string_view title, double width, double height);

  // `classes` are names of the style sheet; `tip` is shown by the browser when the pointer rests on the element.
  void line(double x1, double y1, double x2, double y2, std::string_view classes);
  void rect(double x, double y, double width, double height, std::string_view classes, std::string_view tip = {},
            double radius = 0);
  void circle(double x, double y, double radius, std::string_view classes, std::string_view tip = {});
  void path(std::string_view d, std::string_view classes, std::string_view tip = {});
  // A picture's element: a colour of its own in both themes.
  void pixel(double x, double y, double width, double height, std::uint32_t rgb);
  // A shape of one colour in both themes: for pictures whose pixels of one colour are one element.
  void area(std::string_view d, std::uint32_t rgb);
  // `anchor`: "start", "middle" or "end".
  void text(double x, double y, std::string_view words, std::string_view classes, std::string_view anchor = "start");

  std::string str() const;

 private:
  void element(std::string_view name, std::string_view attributes, std::string_view classes, std::string_view tip);
  std::string body_;
};

}  // namespace syn::report
