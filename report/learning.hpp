// The page of a run of `synfire learn`: accuracy on held-out images while it learned, and every neuron's weights as the
// picture that they are of what it has found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/html.hpp"

namespace syn::report {

struct LearningPage {
  struct Exam {
    std::uint64_t images = 0, correct = 0, total = 0;
  };
  struct Neuron {
    std::uint32_t index = 0;
    std::uint32_t class_ = 0;           // that it stands for
    double sure = 0;                    // share of its votes that are for that class; 0: it has never fired
    std::vector<std::uint8_t> weights;  // [y][x]
  };
  std::string learner, data, where;
  std::uint64_t images = 0;
  bool rewarded = false;
  double images_per_minute = 0;
  std::uint64_t state_bytes = 0;
  std::uint32_t classes = 0;
  std::vector<Exam> exams;  // at least one
  std::uint32_t height = 0, width = 0;
  std::vector<Neuron> neurons;  // as they are to be drawn
  std::vector<Fact> facts;
};

// The whole file. Same page, same bytes.
std::string html(const LearningPage& page);

}  // namespace syn::report
