// What a projection does with what its source population hands on. Weights are float32; every sum is double, begins at
// the bias (or 0), and adds its inputs in index order. Layouts are NIR's: neurons channel-first ([channel][y][x], or
// [channel][x], or flat), weights [target][source].
// Deliberately not here: neuron dynamics, and running any of this (synapses.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace syn::snn::real {

// Each lists its fields once, as neurons do (neurons/parts.hpp). A visitor has weights(name, vector<float>&),
// indices(name, vector<uint32>&), count(name, uint32&, most) and padding(name, int32&).

inline constexpr std::uint32_t kMostSide = 1 << 16;

// y = W x + b over all neurons of both sides, whatever their shapes.
struct Dense {
  static constexpr std::string_view kName = "dense";
  std::vector<float> weights;  // [target][source]
  std::vector<float> bias;     // [target] or empty
  bool operator==(const Dense&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.weights("weights", self.weights);
    v.weights("bias", self.bias);
  }
};

// The same with most weights absent: compressed sparse rows, a row a target, sources ascending in each row.
struct Sparse {
  static constexpr std::string_view kName = "sparse";
  std::vector<std::uint32_t> row;     // [targets + 1]: target i has the entries row[i] .. row[i + 1]
  std::vector<std::uint32_t> source;  // of each entry
  std::vector<float> weights;         // of each entry
  std::vector<float> bias;            // [target] or empty
  bool operator==(const Sparse&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.indices("row", self.row);
    v.indices("source", self.source);
    v.weights("weights", self.weights);
    v.weights("bias", self.bias);
  }
};

// Two-dimensional between shapes [channels][height][width], one-dimensional between [channels][width] (then the first
// of each pair is 1, and 0 for padding). Cross-correlation, as every framework has it; padding reads 0. Depthwise:
// groups = source channels.
struct Conv {
  static constexpr std::string_view kName = "conv";
  std::array<std::uint32_t, 2> kernel{1, 1};  // y, x, here and below
  std::array<std::uint32_t, 2> stride{1, 1};
  std::array<std::uint32_t, 2> dilation{1, 1};
  std::array<std::uint32_t, 2> pad_begin{0, 0};
  std::array<std::uint32_t, 2> pad_end{0, 0};
  std::uint32_t groups = 1;
  std::vector<float> weights;  // [target channel][source channel of the group][y][x]
  std::vector<float> bias;     // [target channel] or empty
  bool operator==(const Conv&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    for (int axis : {0, 1}) {
      v.count("kernel", self.kernel[axis], kMostSide);
      v.count("stride", self.stride[axis], kMostSide);
      v.count("dilation", self.dilation[axis], kMostSide);
      v.count("pad_begin", self.pad_begin[axis], kMostSide);
      v.count("pad_end", self.pad_end[axis], kMostSide);
    }
    v.count("groups", self.groups, kMostSide);
    v.weights("weights", self.weights);
    v.weights("bias", self.bias);
  }
};

// Sum or average of each window of each channel; shapes as for Conv. The average divides by the whole window, padding
// included, as NIR's AvgPool2d does.
struct Pool {
  static constexpr std::string_view kName = "pool";
  std::array<std::uint32_t, 2> kernel{1, 1};
  std::array<std::uint32_t, 2> stride{1, 1};
  std::array<std::uint32_t, 2> pad_begin{0, 0};
  std::array<std::uint32_t, 2> pad_end{0, 0};
  std::uint32_t average = 0;  // 1: the average
  bool operator==(const Pool&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    for (int axis : {0, 1}) {
      v.count("kernel", self.kernel[axis], kMostSide);
      v.count("stride", self.stride[axis], kMostSide);
      v.count("pad_begin", self.pad_begin[axis], kMostSide);
      v.count("pad_end", self.pad_end[axis], kMostSide);
    }
    v.count("average", self.average, 1);
  }
};

// y_i = factor_i x_i
struct Scale {
  static constexpr std::string_view kName = "scale";
  std::vector<float> factors;  // one a neuron, or one for all
  bool operator==(const Scale&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.weights("factors", self.factors);
  }
};

// y_i = x_i; shapes may differ as long as both have as many neurons (Flatten).
struct Identity {
  static constexpr std::string_view kName = "identity";
  bool operator==(const Identity&) const = default;
  template <class Self, class V>
  static void fields(Self&, V&&) {}
};

// y_i(t) = x_i(t - steps_i), on top of the projection's own delay. Where all are alike, Identity and the projection's
// delay say the same for less.
struct Delays {
  static constexpr std::string_view kName = "delays";
  std::vector<std::uint32_t> steps;  // one a neuron
  bool operator==(const Delays&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.indices("steps", self.steps);
  }
};

using Connection = std::variant<Dense, Sparse, Conv, Pool, Scale, Identity, Delays>;

}  // namespace syn::snn::real
