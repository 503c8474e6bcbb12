#include "snn/linear.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/assert.hpp"

namespace syn::snn {
namespace {

std::size_t rounded_up(std::size_t n, std::size_t step) {
  return (n + step - 1) / step * step;
}

// A pixel of so few channels is not filled up to whole words: it would mostly multiply zeros.
constexpr std::size_t kFewChannels = 8;
// In 16 bits, sums that must be settled after fewer words than this cost more than they save.
constexpr std::size_t kShortRun = 3;
// The same of single counts.
constexpr std::size_t kShortSingleRun = 8;
// Weights of so many bytes mostly stay in the first cache; farther ones take longer to load. (Where there is a single
// position, those of words take longer still.)
constexpr std::size_t kNear = 48 << 10;
constexpr std::size_t kBatch = 32;  // rows or stretches a call
constexpr std::int32_t kNarrowLimit = 32767;

}  // namespace

Linear::Linear(const Conv& conv, const Population& from, const Population& to, const kernels::Table& kernels)
    : y_(vertical(conv, from.shape, to.shape)),
      x_(horizontal(conv, from.shape, to.shape)),
      source_channels_(from.shape.channels) {
  if (const auto* source = std::get_if<Source>(&from.kind))
    if (std::ranges::any_of(source->padding, [](Count c) { return c != 0; })) padding_ = source->padding;
  const auto copied = [](const Extent& e, std::size_t& border) {
    border = static_cast<std::size_t>(e.pad);
    return static_cast<std::size_t>(std::max(e.source + e.pad, e.first(e.target - 1) + e.pad + e.reach()));
  };
  height_ = copied(y_, top_);
  width_ = copied(x_, left_);
  stretch_pixels_ = x_.dilation == 1 ? static_cast<std::size_t>(x_.kernel) : 1;
  pack(conv.weights, to.shape.channels, static_cast<Count>(from.greatest), kernels);
}

Linear::Linear(const Dense& dense, const Population& from, const Population& to, const kernels::Table& kernels)
    : y_{1, 1, 1, 0, 1, 1},
      x_{1, 1, 1, 0, 1, 1},
      source_channels_(from.shape.neurons()),
      height_(1),
      width_(1),
      stretch_pixels_(1) {
  pack(dense.weights, to.shape.channels, static_cast<Count>(from.greatest), kernels);
}

void Linear::pack(std::span<const std::int8_t> weights, std::size_t outputs, Count greatest,
                  const kernels::Table& kernels) {
  outputs_ = outputs;
  padded_outputs_ = rounded_up(outputs, kernels::kTile);
  const auto pack_words = [&] {
    if (greatest <= kernels.narrow_greatest) {
      pack_as(true, weights);
      bound(greatest);
      if (kernels.narrow_has_tails && has_tails()) pack_tails();
      if (!kernels.narrow_is_bounded || (run_ >= kShortRun && chunk_ > 0)) return;
    }
    pack_as(false, weights);
  };
  pack_words();
  pack_singles(weights, greatest, kernels.singles_cost);
}

Linear::Packing Linear::packing(bool narrow) const {
  const std::size_t parts = narrow ? 4 : 2;
  const std::size_t channels = source_channels_ < kFewChannels ? source_channels_ : rounded_up(source_channels_, parts);
  return {narrow, channels, (stretch_pixels_ * channels + parts - 1) / parts};
}

Linear::Size Linear::size_of(const Packing& packing) const {
  return {.weights = stretches() * packing.stretch_words * padded_outputs_,
          .tails = has_tails() ? stretches() * tail_words(packing) : 0,
          .single_weights = singles_.size(),
          .events = packing.has_events() ? kernel_rows() * width_ * packing.pixel_words() + kernels::kSlack : 0,
          .singles = singles_.empty() ? 0 : kernel_rows() * width_ * source_channels_ + kernels::kSlack,
          .starts = packing.has_events() ? width_ + 1 : 0,
          .scattered = can_scatter() ? kernel_rows() * scattered_positions() * single_row_ : 0,
          .copy = height_ * width_ * packing.pixel_bytes(),
          .rows = height_};
}

bool Linear::can_scatter() const {
  const std::size_t numbers = width_ * rounded_up(source_channels_, 4);  // of a row's counts, at most
  return !singles_.empty() && x_.target > 1 && x_.stride == 1 && x_.dilation == 1 && y_.dilation == 1 &&
         outputs_ % kernels::kTile == 0 && numbers <= std::numeric_limits<std::uint16_t>::max();
}

void Linear::pack_as(bool narrow, std::span<const std::int8_t> weights) {
  packing_ = packing(narrow);
  SYN_ASSERT(size().weights <= size_at_most().weights && size().events <= size_at_most().events, source_channels_);
  SYN_ASSERT(size().starts <= size_at_most().starts && size().copy <= size_at_most().copy, source_channels_);
  packed_.assign(size().weights, 0);
  const std::size_t taps = static_cast<std::size_t>(y_.kernel * x_.kernel), inputs = source_channels_;
  const std::size_t part_bytes = packing_.part_bytes(), parts = 4 / part_bytes;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    for (std::size_t in = 0; in < inputs; ++in) {
      const std::size_t at = tap % stretch_pixels_ * packing_.channels + in;
      const std::size_t word = tap / stretch_pixels_ * packing_.stretch_words + at / parts;
      const auto shift = static_cast<unsigned>(at % parts * 8 * part_bytes);
      const std::uint32_t mask = narrow ? 0xff : 0xffff;
      for (std::size_t out = 0; out < outputs_; ++out)
        packed_[word * padded_outputs_ + out] |=
            (static_cast<std::uint32_t>(weights[(tap * inputs + in) * outputs_ + out]) & mask) << shift;
    }
  }
}

void Linear::pack_tails() {
  const std::size_t words = packing_.stretch_words, first = outputs_ - kernels::kTail;
  tails_.assign(size().tails, 0);
  for (std::size_t s = 0; s < stretches(); ++s)
    for (std::size_t w = 0; w < words; ++w)
      for (std::size_t out = 0; out < kernels::kTail; ++out)
        tails_[s * tail_words(packing_) + w / 2 * kernels::kTile + 2 * out + w % 2] =
            packed_[(s * words + w) * padded_outputs_ + first + out];
}

// The products of a pair of counts lie between -n and p, n and p the greatest count times the pair's negative and
// positive weights. Sums of any `run` words are safe if the `run` largest p are, and the `run` largest n; sums of
// neighbours if each chunk's are.
void Linear::bound(Count greatest) {
  const std::size_t words = packed_.size() / padded_outputs_, stretch_words = packing_.stretch_words;
  run_ = words;
  chunk_ = stretch_words;
  std::vector<std::int32_t> sides(words);
  const auto limit_by_one = [&] {
    while (chunk_ > 0) {
      bool safe = true;
      for (std::size_t s = 0; s < stretches() && safe; ++s) {
        for (std::size_t from = 0; from < stretch_words && safe; from += chunk_) {
          std::int64_t sum = 0;
          for (std::size_t i = from; i < std::min(from + chunk_, stretch_words); ++i)
            sum += sides[s * stretch_words + i];
          safe = sum <= kNarrowLimit;
        }
      }
      if (safe) break;
      chunk_ = chunk_ == 1 ? 0 : (chunk_ + 1) / 2;
    }
    std::ranges::sort(sides, std::greater());
    std::int64_t sum = 0;
    std::size_t fitting = 0;
    while (fitting < run_ && (sum += sides[fitting]) <= kNarrowLimit) ++fitting;
    run_ = std::min(run_, fitting);
  };
  for (std::size_t out = 0; out < outputs_; ++out) {
    for (const unsigned half : {0u, 16u}) {
      for (const int sign : {1, -1}) {
        for (std::size_t w = 0; w < words; ++w) {
          const std::uint32_t pair = packed_[w * padded_outputs_ + out] >> half;
          const int low = sign * static_cast<std::int8_t>(pair), high = sign * static_cast<std::int8_t>(pair >> 8);
          sides[w] = greatest * (std::max(low, 0) + std::max(high, 0));
        }
        limit_by_one();
      }
    }
  }
}

void Linear::pack_singles(std::span<const std::int8_t> weights, Count greatest, const kernels::SinglesCost& cost) {
  const auto rows = static_cast<std::size_t>(y_.kernel), columns = static_cast<std::size_t>(x_.kernel);
  const std::size_t inputs = rows * source_channels_, taps = columns * inputs;
  if (source_channels_ < kFewChannels || rows > kBatch || inputs > std::numeric_limits<std::uint16_t>::max() ||
      greatest > kernels::kSingleGreatest)
    return;
  // A position's sum of any `run` events lies between -n and p, the `run` greatest products of either sign.
  single_run_ = taps;
  std::vector<std::int32_t> sides(taps);
  for (std::size_t out = 0; out < outputs_; ++out) {
    for (const int sign : {1, -1}) {
      std::int64_t all = 0;
      for (std::size_t i = 0; i < taps; ++i)
        all += sides[i] = greatest * std::max(sign * weights[i * outputs_ + out], 0);
      if (all <= kNarrowLimit) continue;
      std::ranges::sort(sides, std::greater());
      std::int64_t sum = 0;
      std::size_t fitting = 0;
      while (fitting < single_run_ && (sum += sides[fitting]) <= kNarrowLimit) ++fitting;
      single_run_ = fitting;
    }
  }
  if (single_run_ < kShortSingleRun) return;
  valued_ = greatest > 1;
  single_most_ = single_run_ * greatest;  // so many counts are at most `run` events of the greatest, in parts
  // Whole vectors begin on cache lines.
  single_row_ = padded_outputs_ <= 2 * kernels::kTile ? padded_outputs_ : rounded_up(padded_outputs_, 64);
  singles_.resize(taps * single_row_ + kernels::kSlack);
  weigh_singles(cost);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t in = 0; in < source_channels_; ++in) {
        const std::int8_t* from = weights.data() + ((row * columns + column) * source_channels_ + in) * outputs_;
        std::int8_t* to = singles_.data() + ((column * rows + row) * source_channels_ + in) * single_row_;
        for (std::size_t out = 0; out < padded_outputs_; ++out) {
          const int weight = out < outputs_ ? from[out] : 0;
          const int bias = out % kernels::kTile < kernels::kTile / 2 ? kernels::kSingleBias : 0;
          if (valued_) to[out] = static_cast<std::int8_t>(weight);
          if (!valued_) to[kernels::single_at(out)] = static_cast<std::int8_t>(weight + bias);
        }
      }
    }
  }
}

// More than measured: who takes both ways by turns loads the weights of both, and rows that are multiplied as a whole
// fire together.
void Linear::weigh_singles(const kernels::SinglesCost& cost) {
  constexpr float kMargin = 1.12f;
  const auto of = [](std::size_t n) { return static_cast<float>(n); };
  const float columns = of(static_cast<std::size_t>(x_.kernel)), width = of(width_);
  const float outputs = of(kernels::kSinglesCostOutputs) / of(padded_outputs_);
  const bool sliding = x_.kernel == 3 && x_.stride == 1 && x_.dilation == 1, one = x_.target == 1;
  const bool far = singles_.size() > kNear;
  // A vector takes about as long where it is half empty.
  const float vectors = padded_outputs_ <= 32 ? 0.75f : std::ceil(1 / outputs);
  const float count = of(valued_ ? cost.valued : cost.count) * outputs * vectors * (one ? 0.8f : far ? 1.4f : 1.0f);
  const float word = of(valued_ ? cost.valued_listing : cost.listing);
  const float listing = word * of(row_words()) * outputs / columns * width / static_cast<float>(x_.target);
  const float runs = of(cost.run) * outputs * width / (sliding ? columns : 1);
  const float positions = of(cost.position) * width / columns;
  singles_cost_ = {.count = kMargin * count,
                   .settled_count = kMargin * (count + of(cost.settling) / of(2 * single_run_)),
                   .listing = kMargin * listing,
                   .row = kMargin * (listing + (runs + positions) / of(kernel_rows())),
                   .scattered = of(valued_ ? cost.valued_scattered : cost.scattered) * outputs * vectors,
                   .scattered_row = (listing + of(cost.scattered_position) * width / columns) / of(kernel_rows())};
}

template <class Element>
void Linear::copy(const kernels::Table& kernels, const Count* counts, std::size_t first, std::size_t last, Element* to,
                  Row* rows) const {
  const std::size_t channels = packing_.channels;
  const auto source_height = static_cast<std::size_t>(y_.source), source_width = static_cast<std::size_t>(x_.source);
  const auto border = [&](Element* at, std::size_t pixels) {
    std::fill_n(at, pixels * channels, Element{0});
    if (padding_.empty()) return;
    for (std::size_t i = 0; i < pixels; ++i)
      for (std::size_t c = 0; c < source_channels_; ++c) at[i * channels + c] = static_cast<Element>(padding_[c]);
  };
  const std::size_t row = width_ * channels;
  to += first * row;
  for (std::size_t y = first; y < last; ++y, to += row) {
    const auto count_words = [&] {  // without events a row may begin in the middle of a word
      const auto count = sizeof(Element) == 1 ? kernels.count_narrow : kernels.count_wide;
      if (packing_.has_events()) rows[y].some = count(reinterpret_cast<const std::uint32_t*>(to), row_words());
    };
    if (y < top_ || y >= top_ + source_height) {
      border(to, width_);
      padding_.empty() ? void(rows[y].some = {}) : count_words();
      continue;
    }
    border(to, left_);
    border(to + (left_ + source_width) * channels, width_ - left_ - source_width);
    const Count* from = counts + (y - top_) * source_width * source_channels_;
    Element* at = to + left_ * channels;
    if (channels == source_channels_) {
      if constexpr (sizeof(Element) == 1) {
        const kernels::Some some = kernels.narrow(from, source_width * channels, at);
        if (padding_.empty()) {  // the border adds none
          rows[y].some = some;
          continue;
        }
      } else {
        std::copy_n(from, source_width * channels, at);
      }
    } else {
      for (std::size_t x = 0; x < source_width; ++x, from += source_channels_, at += channels) {
        if constexpr (sizeof(Element) == 1) {
          kernels.narrow(from, source_channels_, at);
        } else {
          std::copy_n(from, source_channels_, at);
        }
        std::fill(at + source_channels_, at + channels, Element{0});
      }
    }
    count_words();
  }
}

template <class Fn>
void Linear::each_row(std::int64_t oy, Fn&& fn) const {
  for (std::int64_t ky = 0; ky < y_.kernel; ++ky) {
    // Rows of the border hold zeros unless they are padded with something else.
    const std::int64_t iy = y_.first(oy) + ky * y_.dilation;
    if (padding_.empty() && (iy < 0 || iy >= y_.source)) continue;
    fn(static_cast<std::size_t>(ky), static_cast<std::size_t>(iy + y_.pad));
  }
}

void Linear::open(const kernels::Table& kernels, const Count* counts, const Part& part, const Listed& listed,
                  bool fires) const {
  const auto first = static_cast<std::size_t>(y_.first(static_cast<std::int64_t>(part.first_row)) + y_.pad);
  const auto last = std::min(
      height_, static_cast<std::size_t>(y_.first(static_cast<std::int64_t>(part.last_row) - 1) + y_.pad + y_.reach()));
  if (packing_.narrow) {
    copy(kernels, counts, first, last, reinterpret_cast<std::uint8_t*>(listed.copy), listed.rows);
  } else {
    copy(kernels, counts, first, last, reinterpret_cast<Count*>(listed.copy), listed.rows);
  }
  bool scatters = false;
  for (std::size_t oy = part.first_row; oy < part.last_row; ++oy) {
    listed.rows[oy].method = method(kernels, listed, static_cast<std::int64_t>(oy), fires);
    scatters = scatters || listed.rows[oy].method == Method::scattered;
  }
  if (scatters) std::fill_n(listed.scattered, size().scattered, std::int16_t{0});  // and rows that fire leave zeros
}

Linear::Method Linear::method(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, bool fires) const {
  if (!packing_.has_events()) return Method::dense;
  std::uint64_t words = 0, counts = 0, rows = 0;
  each_row(oy, [&](std::size_t, std::size_t row) {
    words += listed.rows[row].some.words;
    counts += listed.rows[row].some.counts;
    ++rows;
  });
  const std::uint64_t all = rows * row_words();
  if (words == 0) return Method::none;
  // Runs of events of a single pixel are short, and each ends with a branch that is not foreseen.
  const bool short_runs = stretch_pixels_ == 1 && x_.target > 1;
  const std::uint64_t percent = packing_.narrow ? kernels.dense_percent : kernels.wide_dense_percent;
  const std::uint64_t limit = short_runs ? percent * percent * percent / 10000 : percent;
  const bool by_words = words * 100 <= all * limit;
  using enum kernels::Table::TakeSingles;
  if (!singles_.empty() && kernels.take_singles != never) {
    if (kernels.take_singles == always) return Method::singles;
    const bool can_be_scattered = fires && counts <= single_run_ && can_scatter();
    if (can_be_scattered && kernels.take_singles == scattered) return Method::scattered;
    const auto of = [](std::uint64_t n) { return static_cast<float>(static_cast<std::int64_t>(n)); };
    // As a guess, an event is half of the greatest.
    const bool settled = counts * static_cast<std::size_t>(x_.kernel) > 2 * single_run_ * width_;
    const float adding = of(counts) * (settled ? singles_cost_.settled_count : singles_cost_.count);
    const float singles = adding + of(rows) * singles_cost_.row;
    if (can_be_scattered && of(counts) * singles_cost_.scattered + of(rows) * singles_cost_.scattered_row < singles)
      return Method::scattered;
    // Words are listed in half the time; then each takes two or three times as long as among all. Runs and positions
    // are the same.
    if (singles <= of(all * 100) && (!by_words || adding + of(rows) * singles_cost_.listing / 2 <= of(words * 250)))
      return Method::singles;
  }
  return by_words ? Method::events : Method::dense;
}

bool Linear::has_whole_vectors(const kernels::Table& kernels, const Part& part, Method chosen) const {
  if (chosen == Method::dense && !tails_.empty()) return true;  // of all outputs: there is more than one position
  if (chosen == Method::singles) return (part.last_output - part.first_output) % kernels::kTile == 0;
  return (part.last_output - part.first_output) % kernels.lanes == 0;
}
bool Linear::can_fire(const kernels::Table& kernels, const Part& part, Method chosen) const {
  return kernel_rows() * across() < kBatch && has_whole_vectors(kernels, part, chosen);
}

kernels::Band Linear::band_of(const kernels::Table& kernels, const Listed& listed, const Part& part,
                              Method chosen) const {
  const std::size_t outputs = part.last_output - part.first_output;
  const bool tail = chosen == Method::dense && !tails_.empty();
  return {.stretches = nullptr,
          .stretch_count = 0,
          .positions = static_cast<std::size_t>(x_.target),
          .packed = packed_.data() + part.first_output,
          .outputs = tail ? outputs : rounded_up(outputs, kernels.lanes),
          .row = padded_outputs_,
          .pitch = outputs_,
          .run = run_,
          .chunk = chunk_,
          .values = listed.values,
          .offsets = listed.offsets,
          .pixels = stretch_pixels_,
          .stride = static_cast<std::size_t>(x_.stride),
          .pixel_weights = packing_.has_events() ? packing_.pixel_words() * padded_outputs_ : 0,
          .tail = tail ? tails_.data() : nullptr,
          .words = packing_.stretch_words,
          .stride_bytes = static_cast<std::size_t>(x_.stride) * packing_.pixel_bytes(),
          .row_bytes = static_cast<std::size_t>(y_.stride) * row_bytes()};
}

const std::int32_t* Linear::add_row(const kernels::Table& kernels, const Listed& listed, const Part& part,
                                    std::int64_t oy, const std::int32_t* from, std::int32_t* sums,
                                    const kernels::Firing* firing) const {
  const Method chosen = listed.rows[oy].method;
  if (chosen == Method::none) return from;
  if (from != sums && !has_whole_vectors(kernels, part, chosen)) {
    std::copy_n(from, static_cast<std::size_t>(x_.target - 1) * outputs_ + part.last_output - part.first_output, sums);
    from = sums;
  }
  if (!can_fire(kernels, part, chosen)) firing = nullptr;
  if (chosen == Method::singles) {
    if (firing && !firing->is_short) firing = nullptr;
    add_singles(kernels, listed, part, oy, from, sums, firing);
    return firing ? nullptr : sums;
  }
  kernels::Band band = band_of(kernels, listed, part, chosen);
  band.from = from;
  band.firing = firing;
  if (chosen == Method::dense) {
    add_dense(kernels, listed, oy, band, sums);
  } else {
    add_events(kernels, listed, oy, band, sums);
  }
  return firing ? nullptr : sums;
}

std::size_t Linear::fire_rows(const kernels::Table& kernels, const Listed& listed, const Part& part, std::size_t oy,
                              const std::int32_t* from, std::size_t from_pitch, std::int32_t* sums,
                              const kernels::Firing& firing) const {
  if (listed.rows[oy].method == Method::scattered)
    return fire_scattered(kernels, listed, part, oy, from, from_pitch, firing);
  if (x_.target == 1 || !can_fire(kernels, part, Method::dense)) return 0;
  std::size_t last = oy;
  for (; last < part.last_row; ++last) {
    const std::int64_t first = y_.first(static_cast<std::int64_t>(last));
    const bool inside = !padding_.empty() || (first >= 0 && first + y_.reach() <= y_.source);
    if (!inside || listed.rows[last].method != Method::dense) break;
  }
  if (last - oy < 2) return 0;
  kernels::Band band = band_of(kernels, listed, part, Method::dense);
  band.from = from;
  band.firing = &firing;
  band.rows = last - oy;
  band.from_row = from_pitch;
  add_dense(kernels, listed, static_cast<std::int64_t>(oy), band, sums);
  return band.rows;
}

// A row of the source is listed once, and added to all rows of positions that it reaches. As many of these as the
// kernel has rows are begun at a time.
std::size_t Linear::fire_scattered(const kernels::Table& kernels, const Listed& listed, const Part& part,
                                   std::size_t oy, const std::int32_t* from, std::size_t from_pitch,
                                   const kernels::Firing& firing) const {
  std::size_t last = oy;
  while (last < part.last_row && listed.rows[last].method == Method::scattered) ++last;
  const std::size_t rows = kernel_rows(), stride = static_cast<std::size_t>(y_.stride);
  const std::size_t border = static_cast<std::size_t>(x_.kernel - 1) * single_row_;
  const std::size_t pitch = scattered_positions() * single_row_;
  const Pixels inner = inner_pixels();
  std::uint8_t* const values = valued_ ? listed.single_values : nullptr;
  const auto list = packing_.narrow ? kernels.list_narrow_singles : kernels.list_wide_singles;
  std::array<kernels::ScatterTarget, kBatch> targets;
  const auto scatter = [&](std::size_t row) {
    if (listed.rows[row].some.counts == 0) return;
    const kernels::CountRow counts{listed.copy + row * row_bytes() + inner.first * packing_.pixel_bytes(), 0};
    std::uint32_t starts[2], totals[2];
    list({&counts, 1}, {.count = 1, .channels = inner.count * packing_.channels},
         {.events = listed.singles, .values = values, .starts = starts, .totals = totals});
    std::size_t n = 0;
    for (std::size_t y = std::max(oy, row < rows ? 0 : (row - rows) / stride + 1); y < last && y * stride <= row; ++y)
      targets[n++] = {listed.scattered + y % rows * pitch + border + inner.first * single_row_,
                      singles_.data() + (row - y * stride) * source_channels_ * single_row_};
    kernels.scatter_singles({.events = listed.singles,
                             .values = values,
                             .count = starts[1],
                             .channels = packing_.channels,
                             .row = single_row_,
                             .column = rows * source_channels_ * single_row_,
                             .columns = static_cast<std::size_t>(x_.kernel),
                             .targets = {targets.data(), n}});
  };
  kernels::Firing of_row = firing;
  for (std::size_t y = oy, row = oy * stride; y < last; ++y, from += from_pitch) {
    for (; row < y * stride + rows; ++row) scatter(row);
    kernels.fire_scattered({.sums = listed.scattered + y % rows * pitch + border,
                            .row = single_row_,
                            .valued = valued_,
                            .positions = static_cast<std::size_t>(x_.target),
                            .outputs = outputs_,
                            .pitch = outputs_,
                            .from = from,
                            .firing = &of_row});
    of_row.out += static_cast<std::size_t>(x_.target) * outputs_;
  }
  return last - oy;
}

// Rows and stretches go in batches; sums begin with Band::from in the first one. A kernel that lies in the border
// altogether has a batch without any.
void Linear::add_dense(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, kernels::Band band,
                       std::int32_t* sums) const {
  const auto add = packing_.narrow ? kernels.narrow_dense : kernels.wide_dense;
  std::array<kernels::Stretch, kBatch> stretches;
  band.stretches = stretches.data();
  const auto flush = [&] {
    add(band, sums);
    band.from = sums;
    band.stretch_count = 0;
  };
  each_row(oy, [&](std::size_t ky, std::size_t row) {
    for (std::size_t kx = 0; kx < across(); ++kx) {
      const std::size_t pixel = kx * static_cast<std::size_t>(x_.dilation);
      const std::size_t index = ky * across() + kx;
      stretches[band.stretch_count++] = {
          .counts = listed.copy + row * row_bytes() + pixel * packing_.pixel_bytes(),
          .starts = nullptr,
          .weights = static_cast<std::int64_t>(index * packing_.stretch_words * padded_outputs_),
          .event_weights = 0,
          .tail = static_cast<std::int64_t>(index * tail_words(packing_))};
      if (band.stretch_count == kBatch) flush();
    }
  });
  if (band.stretch_count > 0 || band.from != sums) flush();
}

// A border of zeros needs no listing.
Linear::Pixels Linear::inner_pixels() const {
  if (!padding_.empty()) return {0, width_};
  return {left_, static_cast<std::size_t>(x_.source)};
}
void Linear::end_border(const Pixels& inner, std::uint32_t* starts) const {
  std::fill_n(starts, inner.first, 0);
  std::fill(starts + inner.first + inner.count, starts + width_ + 1, starts[inner.first + inner.count]);
}

void Linear::add_events(const kernels::Table& kernels, const Listed& listed, std::int64_t oy, kernels::Band band,
                        std::int32_t* sums) const {
  const auto add = packing_.narrow ? kernels.narrow_events : kernels.wide_events;
  const Pixels inner = inner_pixels();
  std::array<kernels::SourceRow, kBatch> rows;
  std::array<kernels::Stretch, kBatch> stretches;
  std::size_t row_count = 0;
  band.stretches = stretches.data();
  const auto flush = [&] {
    kernels.list_events({rows.data(), row_count}, inner.count, packing_.pixel_words(),
                        static_cast<std::uint32_t>(padded_outputs_), listed.values, listed.offsets,
                        listed.starts + inner.first);
    end_border(inner, listed.starts);
    row_count = 0;
    for (std::size_t kx = 0; kx < across(); ++kx) {
      const std::size_t pixel = kx * static_cast<std::size_t>(x_.dilation);
      const std::size_t weights = kx * packing_.stretch_words * padded_outputs_;
      stretches[band.stretch_count++] = {
          .counts = nullptr,
          .starts = listed.starts + pixel,
          .weights = 0,
          .event_weights = static_cast<std::int64_t>(weights) - static_cast<std::int64_t>(pixel * band.pixel_weights),
          .tail = 0};
      if (band.stretch_count < kBatch && kx + 1 < across()) continue;
      add(band, sums);
      band.from = sums;
      band.stretch_count = 0;
    }
  };
  const auto* words = reinterpret_cast<const std::uint32_t*>(listed.copy);
  each_row(oy, [&](std::size_t ky, std::size_t row) {
    if (listed.rows[row].some.words == 0) return;
    rows[row_count++] = {
        .words = words + row * row_words() + inner.first * packing_.pixel_words(),
        .weights = static_cast<std::uint32_t>(
            (ky * across() * packing_.stretch_words + inner.first * packing_.pixel_words()) * padded_outputs_)};
    if (row_count == kBatch) flush();
  });
  if (row_count > 0) flush();
}

void Linear::add_singles(const kernels::Table& kernels, const Listed& listed, const Part& part, std::int64_t oy,
                         const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing) const {
  const Pixels inner = inner_pixels();
  std::array<kernels::CountRow, kBatch> rows;
  std::size_t row_count = 0;
  each_row(oy, [&](std::size_t ky, std::size_t row) {
    if (listed.rows[row].some.counts > 0)
      rows[row_count++] = {listed.copy + row * row_bytes() + inner.first * packing_.pixel_bytes(),
                           static_cast<std::uint32_t>(ky * source_channels_)};
  });
  std::uint8_t* const values = valued_ ? listed.single_values : nullptr;
  const auto list = packing_.narrow ? kernels.list_narrow_singles : kernels.list_wide_singles;
  list({rows.data(), row_count}, {.count = inner.count, .channels = packing_.channels},
       {.events = listed.singles,
        .values = values,
        .starts = listed.starts + inner.first,
        .totals = listed.totals + inner.first});
  end_border(inner, listed.starts);
  if (valued_) end_border(inner, listed.totals);
  kernels.add_singles(
      {.events = listed.singles,
       .values = values,
       .starts = listed.starts,
       .totals = listed.totals,
       .weights = singles_.data() + part.first_output,
       .row = single_row_,
       .column = kernel_rows() * source_channels_ * single_row_,
       .columns = static_cast<std::size_t>(x_.kernel),
       .dilation = static_cast<std::size_t>(x_.dilation),
       .stride = static_cast<std::size_t>(x_.stride),
       .positions = static_cast<std::size_t>(x_.target),
       .outputs = std::min(padded_outputs_, rounded_up(part.last_output, kernels::kTile)) - part.first_output,
       .pitch = outputs_,
       .from = from,
       .firing = firing,
       .run = single_run_,
       .most = single_most_},
      sums);
}

}  // namespace syn::snn
