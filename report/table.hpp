// Tables in plain text, for people to look at.
#pragma once

#include <string>
#include <vector>

namespace syn::report {

// Columns are as wide as their widest cell; a column of nothing but numbers is set to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace syn::report
