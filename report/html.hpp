// The page around the drawings: one file of XHTML-shaped HTML5 without a script, a link or an image, so that it opens
// from a disk, prints, and reads the same in ten years. The style sheet (light, dark, paper, telephone) is here.
// Deliberately not here: what the sections say (page.cpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace syn::report {

// Arguments named `html` are markup and go in as they are; all others are text and are escaped here.
std::string document(std::string_view title, std::string_view html);
std::string section(std::string_view id, std::string_view heading, std::string_view lead, std::string_view html);
// A drawing with its caption. `wide`: over the whole width, scrolled sideways where the screen is narrower than it.
std::string figure(std::string_view svg_html, std::string_view heading, std::string_view caption, bool wide = false);
std::string columns(const std::vector<std::string>& html);
std::string note(std::string_view text);

struct Tile {
  std::string name, value, unit, detail;
};
std::string tiles(const std::vector<Tile>& tiles);

struct Fact {
  std::string name, value;
};
std::string facts(const std::vector<Fact>& facts);

struct Cell {
  std::string text;
  bool is_html = false;  // a drawing
};
// Columns of numbers are set to the right; `emphasised` rows are bold.
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  std::string str() const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace syn::report
