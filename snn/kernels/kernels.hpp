// The inner loops of the engine, as one table of functions per instruction set. Every table computes the same integers;
// kernels/reference.hpp is the plain one.
// Deliberately not here: what the numbers mean (engine.cpp, layers.cpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/types.hpp"

namespace syn::snn::kernels {

// Buffers that a kernel is said to have slack in may be read and written this many elements beyond their end.
inline constexpr std::size_t kSlack = 64;
// Outputs of a packed weight row are padded with zero weights to a multiple of this.
inline constexpr std::size_t kTile = 16;
inline constexpr std::size_t kTail = kTile / 2;

// Counts meet their weights in words of 32 bits: four counts of 8 bits (narrow) or two of 16 (wide), against as many
// weights of as many bits for each output. A stretch is a run of adjacent source words under a kernel: a row of it, or
// a single position of a dilated one. Events are listed for all of a kernel's rows together: fewer and longer runs of
// them, because the end of each is a branch that is not foreseen.
struct Stretch {
  const std::byte* counts;      // dense: those under target position 0
  const std::uint32_t* starts;  // events: of its first source pixel, and onwards: where a pixel's events begin
  std::int64_t weights;         // of its first word, in words from Band::packed
  std::int64_t event_weights;   // what an event's offset is added to, for target position 0
  std::int64_t tail;            // dense: of its first two words, in words from Band::tail
};

// A row of source words under a row of kernels, and where the weights begin that its first word meets at position 0.
struct SourceRow {
  const std::uint32_t* words;
  std::uint32_t weights;
};

// Single counts that are not zero, added up in 16 bits (singles-inl.hpp): an event is one count, whichever row of the
// kernel it lies under, and its weights are a row of bytes. Where every count is 0 or 1, weights are added as lanes of
// 16 bits that hold two outputs of a block of 16, eight apart: output o's byte is single_at(o), and the first byte of a
// lane is its weight + 128, so that it carries nothing into the second.
inline constexpr std::size_t single_at(std::size_t output) {
  return output / kTile * kTile + output % 8 * 2 + output % kTile / 8;
}
inline constexpr int kSingleBias = 128;
inline constexpr Count kSingleGreatest = 127;  // of a count that is listed with its value

// Per-neuron constants of one band (a row of positions), and the count ceiling. Sums begin with half a threshold
// (theta >> 1), so that a count is rounded to the nearest by leaving out the rest: c = clamp(floor(sum / theta), 0, C).
struct Volley {
  const std::int32_t* threshold;  // theta >= 1
  const std::int32_t* limit;      // C * theta
  const float* reciprocal;        // 1 / theta
};
// The same where every (C + 1) theta is at most kSmallVolley.
inline constexpr std::int64_t kSmallVolley = 1 << 20;
struct SmallVolley {
  const float* reciprocal;  // 1 / theta
  const float* half;        // 1/2 / theta; less by as much as sums begin with more (kShortMore)
  float ceiling;            // C + 1/2
  std::size_t period;       // channels: both arrays repeat themselves after so many, and it divides n
};
// The same in 16 bits, where every (C + 1) theta is at most kShortVolley. With x a sum, clamped to 0 .. 2^16 - 1 or
// less, and k such that 2^k < theta <= 2^(k + 1):
//   c = min(C, (x * multiplier >> 16) * power >> 16),  multiplier = ceil(2^(16 + k) / theta), power = 2^(16 - k).
// The floor of a floor divided is the floor, and the multiplier is less than 1 too great: up to x = 2^15 the quotient
// is less than x / 2^(16 + k) <= 1 / theta too great, and x / theta lies 1 / theta below the next whole number at
// least. Beyond kShortVolley it is C + 1 or more, because it never falls. The power of thresholds 1 and 2 would not
// fit. Their sums begin with kShortMore more, and multiplying by 2^16 - 1 takes 1 away from what is not 0: (x + 2) - 1
// - 1, or ((x + 2) >> 1) - 1.
inline constexpr std::int64_t kShortVolley = (1 << 15) - 1;
inline constexpr std::int32_t kShortMore = 2;
struct ShortVolley {          // these of every channel, which repeat, and kPairSlack more
  const std::int16_t* start;  // what sums begin with; null where that is no constant of the channel
  const std::uint16_t* multiplier;
  const std::uint16_t* power;
  Count ceiling;  // C
};
struct ShortDivisor {
  std::uint16_t multiplier, power;
  std::int32_t more;
};
constexpr ShortDivisor short_divisor(std::uint32_t theta) {
  constexpr std::uint16_t kLess = 0xffff;
  if (theta == 1) return {kLess, kLess, kShortMore};
  if (theta == 2) return {1 << 15, kLess, kShortMore};
  const unsigned k = static_cast<unsigned>(std::bit_width(theta - 1)) - 1;
  return {static_cast<std::uint16_t>(((1u << (16 + k)) + theta - 1) / theta),
          static_cast<std::uint16_t>(1u << (16 - k)), 0};
}
inline constexpr std::size_t kPairSlack = 64;

// Neurons that fire where their sums are made, which are kept nowhere then. A ShortVolley's `start` is what is said to
// be added to as well: kernels take the one or the other.
struct Firing {
  bool is_short;
  ShortVolley in_short;  // if so; from the band's first output on, as the other
  SmallVolley volley;    // if not; of Bands only
  Count* out;            // of its first output, Band::pitch between positions
};

// A row of source counts under a row of kernels, and the number of its first channel among all that a column of the
// kernel meets.
struct CountRow {
  const std::byte* counts;
  std::uint32_t first;
};
struct CountPixels {
  std::size_t count, channels;  // channels: those of the copy, a multiple of 4
};
struct SingleList {
  std::uint16_t* events;  // CountRow::first + channel
  std::uint8_t* values;   // their counts; null where all are 1
  std::uint32_t* starts;  // [pixel], and one more: where its events begin
  std::uint32_t* totals;  // the same of the sum of counts; written where values are
};
// What a projection adds to a row of target positions, by single counts.
struct Singles {
  const std::uint16_t* events;
  const std::uint8_t* values;
  const std::uint32_t* starts;
  const std::uint32_t* totals;   // null where all counts are 1
  const std::int8_t* weights;    // [kernel column][row of the kernel and channel][output], with slack
  std::size_t row, column;       // bytes from one event's weights to the next one's, from one kernel column to the next
  std::size_t columns;           // of the kernel
  std::size_t dilation, stride;  // pixels
  std::size_t positions;
  std::size_t outputs;       // a multiple of kTile
  std::size_t pitch;         // as in Band
  const std::int32_t* from;  // what the sums begin with; `sums` itself, or apart from them where pitch == outputs
  const Firing* firing;      // or null; as in Band
  std::size_t run;           // any so many events' sums stay inside 16 bits; at least 1
  std::size_t most;          // those of any events whose counts add up to no more than this do
};

// Few single counts, each added in 16 bits to the sums in memory of all positions that it reaches (scatter-inl.hpp). A
// position's sums are `row` of them, in an order of the table's own, and those of a row of positions lie side by side;
// positions that are none, before the first and behind the last, have sums, too.
struct ScatterTarget {  // a row of target positions that a row of the source reaches
  std::int16_t* sums;   // of the position that the first pixel meets with the kernel's first column; 64-byte aligned
  const std::int8_t* weights;  // Singles::weights of the row of the kernel between them
};
struct Scatter {
  const std::uint16_t* events;  // of one row of the source: pixel * channels + channel, in order; have slack
  const std::uint8_t* values;   // their counts, or null where all are 1
  std::size_t count;
  std::size_t channels;              // of a pixel
  std::size_t row, column, columns;  // as in Singles, of stride and dilation 1; a row is of kTile, 2 kTile or n * 64
  std::span<const ScatterTarget> targets;
};
// A row of positions whose sums are complete: their neurons fire, and sums are 0 again.
struct Scattered {
  std::int16_t* sums;  // of the first position
  std::size_t row;
  bool valued;  // as they were added
  std::size_t positions, outputs, pitch;
  const std::int32_t* from;  // as in Singles
  const Firing* firing;      // not null, and short
};

// What one projection adds to one row of target positions (a band); or, dense, to several that fire.
struct Band {
  const Stretch* stretches;
  std::size_t stretch_count;
  std::size_t positions;
  const std::uint32_t* packed;         // [stretch][word][output], 64-byte aligned
  std::size_t outputs;                 // a multiple of Table::lanes, but for a tail
  std::size_t row;                     // from one word's weights to the next one's; at least `outputs`
  std::size_t pitch;                   // between the sums of two positions; at most `outputs`
  const std::int32_t* from = nullptr;  // what the sums begin with, where pitch == outputs; null: with what they are
  const Firing* firing = nullptr;      // makes counts of the sums, whose memory holds nothing of use then
  // Narrow only. Products of pairs are added up in 16 bits where the machine has no instruction for all four in 32:
  // that many words (any of them), or that many neighbours from a multiple of it on, never leave 16 bits.
  std::size_t run, chunk;
  // Events: event e is the word values[e], its weights offsets[e] words behind the stretch's event_weights.
  const std::uint32_t* values;
  const std::uint32_t* offsets;
  std::size_t pixels;         // of a stretch
  std::size_t stride;         // pixels from one target position to the next
  std::size_t pixel_weights;  // words
  // Dense. With `tail`, `outputs` is a multiple of Table::lanes and kTail more: the weights of the last kTail lie
  // there, those of two words of each output side by side: [stretch][two words][output][word].
  const std::uint32_t* tail = nullptr;
  std::size_t words;  // of a stretch
  std::size_t stride_bytes;
  // Rows of positions whose counts follow each other. Of each, what the sums begin with lies from_row behind that of
  // the one before, and the stretches' counts row_bytes; the first one's `skipped` from where they are said to.
  std::size_t rows = 1, from_row = 0, row_bytes = 0, skipped = 0;
};

// A run of adjacent counts and the weight of each: one kernel position of a depthwise convolution.
struct Tap {
  const Count* counts;
  const std::int32_t* weights;
};

// Positions of a depthwise convolution, a row of them or one by one, whose counts fit a byte and whose sums 16 bits,
// two taps at a time.
struct ChannelRow {
  const std::uint8_t* const*
      taps;  // the first count under each; of a single last one, anything of as many in the other's place
  const std::int8_t*
      weights;         // [pair of taps][count][tap], of `period` counts, which repeat, and kPairSlack more of them
  std::size_t pairs;   // at least 1
  std::size_t period;  // channels
  std::size_t n;       // counts of a run, whose sums lie side by side
  std::size_t runs, step, pitch;  // how many; from one's counts, and sums, to the next one's
};
inline constexpr std::size_t kPairsAtOnce = 5;  // 3 x 3: up to so many, neurons fire without memory for sums

struct Step {
  const std::int32_t* threshold;
  std::int32_t v_min, v_max;
};

// One step of leaky neurons (model.hpp: Membrane, Leaky). Constants of one band, one a neuron; null: without that part.
struct LeakyStep {
  const std::int32_t *keep, *current_keep, *bias;
  const std::int32_t *threshold, *reset;  // both or neither: never fires
  const std::int32_t *adaptation_keep, *jump;
  unsigned fraction;
  std::int32_t potential_limit, current_limit, adaptation_limit;
  std::int32_t refractory;
  std::int32_t most;  // spikes in a step; 1 unless the reset subtracts
  bool reads_previous, subtracts;
};
// The band's variables; null where the kind has no such part.
struct LeakyState {
  std::int32_t *potential, *current, *adaptation, *held;
};

struct LeakyStepped {
  // Whether the neurons would stay silent for ever without input: no current is left, and no potential or adaptation
  // can meet the other on its way to zero.
  bool rests;
  bool fired;  // any of them
  bool operator==(const LeakyStepped&) const = default;
};

struct Tally {
  std::uint64_t checksum = 0;  // sum of count * key
  std::uint64_t spikes = 0;    // sum of counts, or of their binary digits that are 1: the spikes of code phase
  std::uint64_t events = 0;    // non-zero counts
  std::uint64_t reached = 0;   // sum of fan-out over the non-zero counts, where it was asked for
  bool operator==(const Tally&) const = default;
  Tally& operator+=(const Tally& other) {
    checksum += other.checksum;
    spikes += other.spikes;
    events += other.events;
    reached += other.reached;
    return *this;
  }
};

struct Reach {
  std::uint64_t reached = 0;  // as in Tally
  Count greatest = 0;
  bool operator==(const Reach&) const = default;
};

// Keys as products of three factors. That of count i is, with n = first + i,
//   block[n / kTallied] * lane[n / 2 % kTallyLanes] * digit[n % kTallied]  (mod 2^64)
struct PlaceKeys {
  const std::int16_t* digit;  // not negative
  const std::uint64_t* lane;
  const std::uint64_t* block;
  std::size_t first;

  PlaceKeys from(std::size_t i) const { return {digit, lane, block, first + i}; }
};
enum class Spikes : std::uint8_t { counts, digits, digits_of_four };  // of_four: no count is above 15
inline constexpr Count kSmallCount = 255;
// So many counts are tallied at a time. A lane of 32 bits takes in 64 products of kSmallCount and 2^15; one of 16 bits,
// of the narrowest vectors with 8 of them, 128 counts: both stay positive as signed numbers.
inline constexpr std::size_t kTallied = 1024;
// Lanes are those of the widest vectors, whose pairwise multiply-add leaves two counts in one. Narrower ones take as
// many of them for a turn of kTallyTurn counts.
inline constexpr std::size_t kTallyLanes = 16, kTallyTurn = 2 * kTallyLanes;

struct PoolWindow {
  std::size_t height, width;  // in pixels
  std::size_t pitch;          // counts from one source row to the next
  std::size_t stride;         // counts from one window to the next
  std::size_t channels;
};

// What single counts take, in hundredths of a word among words that are all multiplied, of kSinglesCostOutputs outputs.
inline constexpr std::size_t kSinglesCostOutputs = 64;
struct SinglesCost {
  std::uint32_t count, valued;            // adding one at a position, where all are 1 and elsewhere
  std::uint32_t settling;                 // adding 16-bit sums to those in memory
  std::uint32_t listing, valued_listing;  // a word of counts, where all are 1 and elsewhere
  std::uint32_t run;                      // the end of a run of events, which is not foreseen
  std::uint32_t position;                 // beginning and finishing one's sums
  // Adding one at a position in memory, as above; and firing there.
  std::uint32_t scattered, valued_scattered, scattered_position;
};

// How many are not zero.
struct Some {
  std::uint32_t words = 0, counts = 0;
  bool operator==(const Some&) const = default;
};

struct Table {
  const char* name;
  std::size_t lanes;  // sums in a vector; divides kTile

  // counts, each at most 255, as bytes. Returns how many words they make that are not zero; the last may be a part of
  // one.
  Some (*narrow)(const Count* counts, std::size_t n, std::uint8_t* bytes);
  // What is not zero of n words, of bytes or of 16 bits.
  Some (*count_narrow)(const std::uint32_t* words, std::size_t n);
  Some (*count_wide)(const std::uint32_t* words, std::size_t n);
  // Lists the words that are not zero of `pixels` pixels with `words` words each, pixel by pixel, of one row after the
  // other: values, and as offsets SourceRow::weights + stride * index of the word in its row. starts[pixel] = how many
  // were listed before it, for pixel <= pixels. Rows, values and offsets have slack.
  void (*list_events)(std::span<const SourceRow> rows, std::size_t pixels, std::size_t words, std::uint32_t stride,
                      std::uint32_t* values, std::uint32_t* offsets, std::uint32_t* starts);

  // sums[position * pitch + o] += sum over all stretches of counts * weights, for o < outputs; with Band::from,
  // from[..] + it. Reads and writes (adding zero) up to kTile sums beyond a position's own, hence beyond the band,
  // where outputs > pitch.
  void (*wide_events)(const Band& band, std::int32_t* sums);
  void (*wide_dense)(const Band& band, std::int32_t* sums);
  Count narrow_greatest;  // counts up to this may be narrow; 0: this machine is not faster with bytes
  void (*narrow_events)(const Band& band, std::int32_t* sums);
  void (*narrow_dense)(const Band& band, std::int32_t* sums);
  bool narrow_is_bounded;  // it adds up in 16 bits: Band::run and chunk count
  bool narrow_has_tails;   // its dense kernel takes a Band::tail, at more than one position
  // Where more than this share of the words are not zero, multiplying all of them takes less time than listing: of
  // narrow ones, of wide ones.
  std::uint32_t dense_percent, wide_dense_percent;

  // Lists the counts that are not zero, of bytes or of 16 bits, pixel by pixel, of one row after the other. Counts are
  // at most kSingleGreatest where values are listed. Rows, events and values have slack.
  void (*list_narrow_singles)(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list);
  void (*list_wide_singles)(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list);
  // sums[position * pitch + o] = from[..] + sum over all events of count * weight. Reads and writes beyond a position's
  // own as narrow_events does.
  void (*add_singles)(const Singles& singles, std::int32_t* sums);
  // Any position's counts must add up to Singles::most at most.
  void (*scatter_singles)(const Scatter& scatter);
  void (*fire_scattered)(const Scattered& row);
  SinglesCost singles_cost;
  // Whether a Linear may choose by them (by its own table's, which it was made with), or what instead, for benches and
  // tests: scattered where that is possible.
  enum class TakeSingles : std::uint8_t { by_cost, never, always, scattered } take_singles = TakeSingles::by_cost;

  // sums[i] = from[i] + sum over all taps of counts[i] * weights[i], for i < n. from == sums, or apart from them.
  void (*add_products)(std::span<const Tap> taps, std::size_t n, const std::int32_t* from, std::int32_t* sums);
  // The same of a ChannelRow. With `firing` (or null), whose channels are the row's, counts are made of them, and
  // `from` is not read: sums begin with ShortVolley::start. Counts have slack.
  void (*add_channels)(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums, const Firing* firing);

  void (*fire_volley)(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out);
  void (*fire_small_volley)(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, Count* out);
  // v += sum; out = v >= theta; v -= theta if so; v clamped. Whether all v are below theta then: without input, none of
  // these neurons would fire.
  bool (*fire_step)(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out);

  // `out` is written only where neurons have thresholds.
  LeakyStepped (*step_leaky)(const LeakyStep& step, const std::int32_t* sums, std::size_t n, const LeakyState& state,
                             Count* out);
  // `times` single leaks of each x, less held[i] where there is `held`. Returns how many changed something or could
  // have: those of an x that was not 0.
  std::uint64_t (*leak_often)(const std::int32_t* keep, std::uint32_t times, const std::int32_t* held, std::size_t n,
                              std::int32_t* x);

  // Keys in two halves, because few machines multiply 64-bit lanes.
  Tally (*tally)(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n);
  // The same for counts up to kSmallCount, and fan-outs (or null) below 2^15.
  Tally (*tally_small)(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes,
                       std::size_t n);
  // How many binary digits of all counts are 1.
  std::uint64_t (*set_bits)(const Count* counts, std::size_t n);
  // Sum of fan_out over the non-zero counts.
  std::uint64_t (*sum_where)(const Count* counts, const std::uint32_t* fan_out, std::size_t n);
  // The same for fan-outs below 2^15, and the greatest count.
  Reach (*sum_where_small)(const Count* counts, const std::uint16_t* fan_out, std::size_t n);
  // to[p * channels + c] = the sum over the window that begins p * stride counts behind `from`. Sums stay below 2^15.
  // Both sides have slack, and `to` is written into it.
  void (*sum_windows)(const PoolWindow& window, const Count* from, std::size_t positions, Count* to);
  // The same with the greatest count instead of the sum.
  void (*greatest_of_windows)(const PoolWindow& window, const Count* from, std::size_t positions, Count* to);
  Count (*greatest)(const Count* counts, std::size_t n);
};

// Best first; the last is the plain one. Only what this machine can run.
std::span<const Table* const> available();

}  // namespace syn::snn::kernels
