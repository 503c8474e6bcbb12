// Convolutions and dense synapses made ready to run: weights packed for the kernels, geometry turned into stretches.
// Internal to snn/.
// Deliberately not here: the sums themselves (kernels/), neurons and their state, the order of execution (run.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/lines.hpp"
#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

// A convolution, or dense synapses as the 1 x 1 convolution of a source of one position.
//
// The source's counts are copied with their border filled in, as bytes where its greatest count and the machine allow
// it (narrow), else in 16 bits (wide); a pixel of many channels gets as many as fill whole words. Where most of the
// words under a row of kernels are not zero (or a pixel is less than a word), every word is multiplied; elsewhere the
// words that are not zero are listed, or the single counts, and one list serves all kernels of that row: same sums.
class Linear {
 public:
  // How a row of target positions is added up.
  enum class Method : std::uint8_t { none, events, singles, scattered, dense };
  // What is not zero of a row of the copy; and that of the target row with the same index, of which there are no more.
  struct Row {
    kernels::Some some;
    Method method;
  };
  // Where a row of counts is made ready; sized by the counts below. A thread has its own, and only for the rows it
  // needs.
  struct Listed {
    std::uint32_t* values;  // [event under a row of kernels]; the first six are any projection's, one at a time
    std::uint32_t* offsets;
    std::uint16_t* singles;
    std::uint8_t* single_values;
    std::uint32_t* starts;  // [pixel], and one more at the end
    std::uint32_t* totals;
    std::int16_t* scattered;  // sums of as many rows of positions as the kernel has
    std::byte* copy;
    Row* rows;  // [row of the copy]
  };
  // Target rows [first_row, last_row) and, of each position, outputs [first_output, last_output).
  struct Part {
    std::size_t first_row, last_row, first_output, last_output;
  };

  Linear(const Conv& conv, const Population& from, const Population& to, const kernels::Table& kernels);
  Linear(const Dense& dense, const Population& from, const Population& to, const kernels::Table& kernels);

  // What it takes: words of weights and of tails, and bytes of those of single counts, for good; bytes and rows of the
  // copy while its population is computed; events, single ones, starts, and sums of scattered ones while a row of it
  // is.
  struct Size {
    std::size_t weights = 0, tails = 0, single_weights = 0, events = 0, singles = 0, starts = 0, scattered = 0;
    std::size_t copy = 0, rows = 0;
  };
  Size size() const { return size_of(packing_); }
  // On any machine, bytes or not: never less than size().
  Size size_at_most() const { return size_of(packing(false)); }
  std::size_t padding_bytes() const { return padding_.size() * sizeof padding_[0]; }

  // Makes ready what `part` of the target reads. `fires`: who calls asks fire_rows before add_row, with short firing.
  void open(const kernels::Table& kernels, const Count* counts, const Part& part, const Listed& listed,
            bool fires) const;
  // sums[target width x target channels] = from + this projection's sums for target row `oy` of the part. Outputs of a
  // part that does not take all of them begin at a multiple of kernels::kTile. from == sums, or apart from them.
  // Returns where the sums are: `sums`; `from`, if there is nothing to add; null, if the row's neurons fired (they do
  // where that is possible and `firing` is not null).
  const std::int32_t* add_row(const kernels::Table& kernels, const Listed& listed, const Part& part, std::int64_t oy,
                              const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing) const;
  // Where target rows from `oy` on can fire in one go, they do: returns how many. Their sums are from[..], one row's
  // from_pitch behind the one's before, and this projection's; their counts lie one row behind the other. `sums` is
  // memory for one row.
  std::size_t fire_rows(const kernels::Table& kernels, const Listed& listed, const Part& part, std::size_t oy,
                        const std::int32_t* from, std::size_t from_pitch, std::int32_t* sums,
                        const kernels::Firing& firing) const;

 private:
  void pack(std::span<const std::int8_t> weights, std::size_t outputs, Count greatest, const kernels::Table& kernels);
  // How counts lie in words: in bytes (narrow) or in 16 bits.
  struct Packing {
    bool narrow = false;
    std::size_t channels = 0;       // of a pixel of the copy
    std::size_t stretch_words = 0;  // of neighbouring pixels under one row of a kernel

    std::size_t part_bytes() const { return narrow ? 1 : 2; }
    std::size_t pixel_bytes() const { return channels * part_bytes(); }
    bool has_events() const { return pixel_bytes() % 4 == 0; }
    std::size_t pixel_words() const { return pixel_bytes() / 4; }
  };
  Packing packing(bool narrow) const;
  void pack_as(bool narrow, std::span<const std::int8_t> weights);
  void pack_tails();  // from what is packed
  // Of the packed weights, with counts up to `greatest`.
  void bound(Count greatest);
  // Whether single counts may be added up in 16 bits does not depend on the machine.
  void pack_singles(std::span<const std::int8_t> weights, Count greatest, const kernels::SinglesCost& cost);
  void weigh_singles(const kernels::SinglesCost& cost);
  std::size_t kernel_rows() const { return static_cast<std::size_t>(y_.kernel); }
  std::size_t stretches() const { return static_cast<std::size_t>(y_.kernel * x_.kernel) / stretch_pixels_; }
  std::size_t row_bytes() const { return width_ * packing_.pixel_bytes(); }
  Size size_of(const Packing& packing) const;
  // Rows [first, last) with their border, and how much of each is not zero.
  template <class Element>
  void copy(const kernels::Table& kernels, const Count* counts, std::size_t first, std::size_t last, Element* to,
            Row* rows) const;
  // Rows of the copy that lie under target row `oy`'s kernel: calls fn(kernel row, row).
  template <class Fn>
  void each_row(std::int64_t oy, Fn&& fn) const;
  std::size_t across() const { return static_cast<std::size_t>(x_.kernel) / stretch_pixels_; }  // stretches
  // By the measured density of what lies under target row `oy`.
  Method method(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, bool fires) const;
  // Neurons fire with the last of several batches only, and none but the part's.
  bool can_fire(const kernels::Table& kernels, const Part& part, Method chosen) const;
  bool has_whole_vectors(const kernels::Table& kernels, const Part& part, Method chosen) const;
  kernels::Band band_of(const kernels::Table& kernels, const Listed& listed, const Part& part, Method chosen) const;
  void add_dense(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, kernels::Band band,
                 std::int32_t* sums) const;
  void add_events(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, kernels::Band band,
                  std::int32_t* sums) const;
  struct Pixels {
    std::size_t first, count;
  };
  Pixels inner_pixels() const;
  void end_border(const Pixels& inner, std::uint32_t* starts) const;
  void add_singles(const kernels::Table& kernels, const Listed& listed, const Part& part, std::int64_t oy,
                   const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing) const;
  // Whether rows whose neurons fire in 16 bits may be scattered; the same on every machine.
  bool can_scatter() const;
  // Positions of a row of sums: those that a pixel of the border reaches, too.
  std::size_t scattered_positions() const { return static_cast<std::size_t>(x_.target + 2 * (x_.kernel - 1)); }
  // fire_rows, of those from `oy` on that are scattered.
  std::size_t fire_scattered(const kernels::Table& kernels, const Listed& listed, const Part& part, std::size_t oy,
                             const std::int32_t* from, std::size_t from_pitch, const kernels::Firing& firing) const;
  std::size_t row_words() const { return width_ * packing_.pixel_words(); }
  // Where half a tile of outputs is left over, at more than one position.
  bool has_tails() const {
    return outputs_ % kernels::kTile == kernels::kTail && outputs_ > kernels::kTile && x_.target > 1;
  }
  static std::size_t tail_words(const Packing& packing) { return (packing.stretch_words + 1) / 2 * kernels::kTile; }

  Extent y_{}, x_{};
  std::size_t source_channels_ = 0;
  std::size_t height_ = 0, width_ = 0;  // of the copy
  std::size_t top_ = 0, left_ = 0;      // its border
  std::size_t outputs_ = 0, padded_outputs_ = 0;
  std::size_t stretch_pixels_ = 0;
  Packing packing_;
  std::size_t run_ = 0, chunk_ = 0;
  std::vector<Count> padding_;        // per channel, for the border; empty: zeros
  LineVector<std::uint32_t> packed_;  // [stretch][word][padded output]
  LineVector<std::uint32_t> tails_;   // [stretch][two words][one of the last kTail outputs][word]; or empty
  LineVector<std::int8_t> singles_;   // [kernel column][kernel row][channel][single_row_] (kernels::Singles), or empty
  std::size_t single_row_ = 0, single_run_ = 0, single_most_ = 0;
  // Hundredths of a word, for a row of the copy under one of the kernel's columns.
  struct {
    float count = 0, settled_count = 0, listing = 0, row = 0, scattered = 0, scattered_row = 0;
  } singles_cost_;
  bool valued_ = false;  // counts can be other than 1
};

}  // namespace syn::snn
