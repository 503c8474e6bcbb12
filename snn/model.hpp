// What a spiking network is: populations of neurons joined by projections of synapses, as plain values. A whole model
// and a shard of one are the same type: a shard's Sources are fed by other shards.
// Deliberately not here: running it (engine.hpp), its file (model_file.hpp), cutting it (cut.hpp).
//
// Layout: neurons of a population are channel-last: index = (y * width + x) * channels + channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/types.hpp"

namespace syn::snn {

struct Shape {
  std::uint32_t height = 1, width = 1, channels = 1;
  std::uint32_t positions() const { return height * width; }
  std::uint32_t neurons() const { return height * width * channels; }
  bool operator==(const Shape&) const = default;
};

// How a population hands on its activity (design: "the output code belongs to the population"). The whole model uses
// one code; its place in the file is per population.
//   step    0 or 1 spike a step; T rows an inference
//   volley  waits for its whole input and yields one count in 0..C, C = T; one row an inference
//   phase   the same with C = 2^T - 1, T <= 8: the count travels as its binary digits, bit T-1-t in step t, so a count
//           is as many spikes as it has bits set
enum class Code : std::uint8_t { step = 0, volley = 1, phase = 2 };
inline constexpr std::uint32_t kGreatestPhase = 8;  // steps
const char* name_of(Code code);
// C: the greatest count a population of neurons hands on in one row.
constexpr std::uint32_t levels_of(Code code, std::uint32_t steps) {
  return code == Code::step ? 1 : code == Code::volley ? steps : (1u << steps) - 1;
}
// How many rows of counts an inference is.
constexpr std::uint32_t rows_of(Code code, std::uint32_t steps) {
  return code == Code::step ? steps : 1;
}

// Kinds of population. Per-channel vectors have shape.channels entries.
struct Source {                // fed from outside: pixels, or another shard's counts
  std::vector<double> scale;   // x in network units -> q = clamp(floor(x * scale + zero + 1/2), 0, 255);
  std::vector<double> zero;    // both empty: counts arrive ready-made from another shard
  std::vector<Count> padding;  // what a convolution's padding reads: floor(zero + 1/2); empty: 0
  bool operator==(const Source&) const = default;
};
struct IntegrateAndFire {
  std::vector<std::int32_t> threshold;  // >= 1
  // Added once a step (step) or once an inference (volley, phase). One a channel; or one a neuron, channel-last, where
  // the border differs from the inside (a BatchNormalization that stood before a padded convolution).
  std::vector<std::int32_t> bias;
  std::int32_t v_min = 0, v_max = 0;  // `step` only: the potential is clamped into this once a step, after the spike
  bool operator==(const IntegrateAndFire&) const = default;
};

// What a potential keeps and gains by itself from step to step; `step` code only. Rule 10 of the design: keeping l of
// 32768 turns x into sign(x) * ((|x| * l) >> 15). Vectors have one entry a channel, or one a neuron, channel-last; an
// empty one means that the neuron has no such part. In a step, S the sum of its projections:
//   x = S * 2^fraction + bias;   with a current: i = clamp(leak(i) + x), and x = i, or the i before this step
//   v = leak(v) + x
struct Membrane {
  std::vector<std::int32_t> keep;          // of the potential, 0..32768; empty: nothing leaks
  std::vector<std::int32_t> current_keep;  // of a synaptic current; empty: there is none
  bool reads_previous = false;             // the potential gains the current of the step before
  std::uint32_t fraction = 0;              // potential, current and bias count in 2^-fraction of a weight's unit
  std::vector<std::int32_t> start;         // the potential before step 0; empty: 0
  // Once a step both are clamped into -limit..limit, the potential after the spike; 32 bits are proven with these.
  std::int32_t potential_limit = 1, current_limit = 1;
  bool operator==(const Membrane&) const = default;
};
inline constexpr std::int32_t kKeepAll = 1 << 15;
inline constexpr std::uint32_t kGreatestFraction = 15;
inline constexpr std::int32_t kGreatestRefractory = 1 << 15;  // steps

// LIF, CubaLIF and adaptive LIF: a membrane that fires. After its step (see Membrane), with b the adaptation:
//   fires where v >= threshold + b, unless it is held; v -= reset + b, up to `greatest` times, or v = reset, once
//   b = clamp(leak(b) + jump * spikes);   v = clamp(v)
// A neuron that fired is held for `refractory` steps: v stays as it is, the current and b go on.
enum class Reset : std::uint8_t { to_value = 0, subtract = 1 };
struct Leaky {
  Membrane membrane;
  std::vector<std::int32_t> bias;       // once a step, in the potential's unit
  std::vector<std::int32_t> threshold;  // of any sign
  std::vector<std::int32_t> reset;      // the value, or what is subtracted, >= 1
  Reset rule = Reset::to_value;
  std::vector<std::int32_t> adaptation_keep, jump;  // both or neither
  std::int32_t adaptation_limit = 1;
  std::int32_t refractory = 0;
  bool operator==(const Leaky&) const = default;
};
struct Pooled {  // no state of its own but MaxPool's cumulative counts in `step`; hands on what its one projection
                 // makes
  bool operator==(const Pooled&) const = default;
};
struct Readout {                   // the class potentials, int32; the greatest wins, the lowest index on a tie
  std::vector<std::int32_t> bias;  // as in IntegrateAndFire
  double scale = 1;                // logits = potential * scale (`step`: potential * scale / T)
  std::optional<Membrane> membrane;  // LI, CubaLI: the potential leaks; then logits are its last value * scale
  bool operator==(const Readout&) const = default;
};
using Kind = std::variant<Source, IntegrateAndFire, Leaky, Pooled, Readout>;

struct Population {
  std::string name;
  Shape shape;
  Code code = Code::volley;
  Kind kind;
  std::uint32_t greatest = 1;     // g: the largest count it can hand on in one row (pixels: 255; unused for Readout)
  std::vector<double> amplitude;  // network units per count, per channel (a_i); for reports and logits
  double mean_count = 0;          // counts per inference, over calibration: for planning and inspection only
  double mean_events = 0;         // non-zero rows x neurons per inference, likewise
  // Which channels of the original population this is, when it is a slice in a shard.
  std::uint32_t channel_begin = 0;
  std::uint32_t channels_total = 0;  // 0 reads as shape.channels
  bool operator==(const Population&) const = default;
};

// Kinds of projection. Weights are int8 in -127..127; the target's channels are contiguous.
struct Conv {
  std::uint32_t kernel_height = 1, kernel_width = 1;
  std::uint32_t stride_y = 1, stride_x = 1;
  std::uint32_t dilation_y = 1, dilation_x = 1;
  std::int32_t pad_top = 0, pad_left = 0;  // bottom and right follow from the shapes
  std::vector<std::int8_t> weights;        // [kernel y][kernel x][source channel][target channel]
  bool operator==(const Conv&) const = default;
};
struct Dense {
  std::vector<std::int8_t> weights;  // [source neuron, channel-last][target neuron]
  bool operator==(const Dense&) const = default;
};
struct SumPool {  // average pooling: sums of counts, each window's times `multiplier` = L / divisor (integer rule 5)
  std::uint32_t kernel_height = 1, kernel_width = 1;
  std::uint32_t stride_y = 1, stride_x = 1;
  std::int32_t pad_top = 0, pad_left = 0;
  std::vector<std::uint16_t> multiplier;  // per target position; empty: all 1
  bool operator==(const SumPool&) const = default;
};
struct MaxPool {  // counts: the window's maximum; `step`: M[t] - M[t-1], M the maximum of cumulative counts (rule 6)
  std::uint32_t kernel_height = 1, kernel_width = 1;
  std::uint32_t stride_y = 1, stride_x = 1;
  std::int32_t pad_top = 0, pad_left = 0;  // a padded position never wins: counts are at least 0, and it reads as 0
  std::uint32_t dilation_y = 1, dilation_x = 1;
  bool operator==(const MaxPool&) const = default;
};
// Each target channel reads one source channel, through a kernel of its own: source channel i feeds target channel
// i + shift, where there is one. A slice of either side is the same projection with another shift.
struct Depthwise {
  std::uint32_t kernel_height = 1, kernel_width = 1;
  std::uint32_t stride_y = 1, stride_x = 1;
  std::uint32_t dilation_y = 1, dilation_x = 1;
  std::int32_t pad_top = 0, pad_left = 0;
  std::int32_t shift = 0;
  std::vector<std::int8_t> weights;  // [kernel y][kernel x][source channel]
  bool operator==(const Depthwise&) const = default;
};
// Same positions on both sides; source channel i feeds target channel i + shift, times its multiplier: the identity
// branch of a residual (integer rule 7).
inline constexpr std::int32_t kGreatestMultiplier = 1 << 24;  // in amount
struct OneToOne {
  std::int32_t shift = 0;
  std::vector<std::int32_t> multiplier;  // per source channel
  bool operator==(const OneToOne&) const = default;
};
using Connection = std::variant<Conv, Dense, SumPool, MaxPool, Depthwise, OneToOne>;

// Of connections that join source channel i to target channel i + shift.
std::optional<std::int32_t> shift_of(const Connection& connection);

// Projections into one population add up, exactly. With a delay, `step` code only, what is read are the counts of so
// many steps ago; before step 0 they were 0 (of a source: its padding). A cycle needs a delay where it leads back.
inline constexpr std::uint32_t kGreatestDelay = 1 << 15;
struct Projection {
  std::uint32_t from = 0, to = 0;  // indices of populations; from < to, or a delay of at least 1
  Connection connection;
  std::uint32_t delay = 0;  // steps
  bool operator==(const Projection&) const = default;
};

struct Model {
  std::string name;
  Code code = Code::volley;
  std::uint32_t steps = 8;              // T
  std::vector<Population> populations;  // in topological order; Sources first
  std::vector<Projection> projections;  // ordered by `to`
  std::vector<std::string> outputs;     // populations whose activity leaves: the readout, or a shard's out-edges
  std::vector<std::pair<std::string, std::string>> notes;  // provenance: converter's options, calibration's hash
  bool operator==(const Model&) const = default;

  std::uint32_t rows() const { return rows_of(code, steps); }      // per inference
  std::uint32_t levels() const { return levels_of(code, steps); }  // C
};

// What leaks of a population: a Leaky's membrane or a leaky Readout's; null: nothing.
const Membrane* membrane_of(const Population& population);
// Whether it makes spikes.
bool fires(const Population& population);
// Steps for which each population's counts must be kept: the longest delay with which it is read.
std::vector<std::uint32_t> longest_delays(const Model& model);

// Index of a population by name, or -1.
int find(const Model& model, std::string_view population);
std::uint64_t weight_count(const Model& model);

}  // namespace syn::snn
