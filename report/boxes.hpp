// The placement, drawn: machines as boxes in the order in which an inference passes through them, edges between them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace syn::report {

struct Boxes {
  struct Box {
    std::string name;
    std::vector<std::string> lines;
    std::string tip;
    bool outside = false;  // drawn apart: where images come from and results go to
  };
  struct Arrow {
    std::size_t from = 0, to = 0;
    std::vector<std::string> lines;
    std::string tip;
    double weight = 0;  // bytes; a heavier arrow is drawn thicker
  };
  std::vector<Box> boxes;
  std::vector<Arrow> arrows;
};

// A box stands one rank behind the last box that it hears from; from left to right where they fit, else downwards.
std::string draw(const Boxes& boxes, const std::string& id, const std::string& title);

}  // namespace syn::report
