// Order of execution. A window's rows are taken in blocks; within a block, populations go in model order and each sees
// all rows of the block before the next one starts (one pass over its weights a block). On entry of a population every
// source of it has its rows of the block; on exit its own rows are there, and its state has advanced past them. Blocks
// and windows differ in nothing but where they stop, hence any split gives the same bits.
//
// Within one row a population is computed by bands (one row of positions), so that sums stay in the first cache:
//   band = bias, or what bias and constant sources sum to;  + every other projection;  then the neurons fire.
// With a Team, the bands of one row are dealt out (of a population of one position, its outputs are): a part reads what
// was complete before the population began and writes its own neurons only; what it counts is added up afterwards, so
// that any number of parts gives the same bits.
//
// A row without a single count is silent: it is not read, and what reads nothing else and is at rest (unbiased, with no
// potential that reaches its threshold) stays silent without being touched; nobody writes such a row either. What would
// have leaked meanwhile is owed, and paid when the population is next touched.
//
// A projection with a delay reads rows of this block where they lie in it, else the source's delay line, which holds
// the rows before the block; lines move on when a block is done. Where a projection leads back, blocks are no longer
// than its delay, so that it reads lines alone.
#include "snn/run.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "snn/bands.hpp"

namespace syn::snn {
namespace {

using kernels::kSlack;

// A block's counts should stay in the second cache.
constexpr std::size_t kBlockBytes = 512 << 10;

struct Rows {  // row r of a block is at data + r * stride; stride 0: every row is the same
  const Count* data = nullptr;
  std::size_t stride = 0;
};

// What a part of a population's row has done.
struct alignas(64) Done {
  kernels::Tally tally;
  bool rests = true;
  bool fired = false;  // of leaky neurons
};

// Memory of one running call, kept by its thread for the next one: the steady state allocates nothing.
struct Scratch {
  LineVector<Count> counts;
  LineVector<std::int32_t> constant;
  std::vector<std::int32_t> maxima;
  std::vector<Rows> rows;                   // per population
  std::vector<std::uint8_t> silent;         // [population][row of the block]
  std::vector<std::ptrdiff_t> constant_at;  // per population: its sums from constant sources in `constant`, or -1
  std::vector<Done> done;                   // per part
};
Scratch& scratch_of_thread() {
  thread_local Scratch scratch;
  return scratch;
}
template <class Vector>
void at_least(Vector& buffer, std::size_t n) {
  if (buffer.size() < n + kSlack) buffer.resize(n + kSlack);
}
// One call of Engine::run.
class Run {
 public:
  Run(const Compiled& compiled, const kernels::Table& kernels, State& state, Window& window, Team* team)
      : compiled_(compiled),
        kernels_(kernels),
        state_(state),
        window_(window),
        team_(team),
        scratch_(scratch_of_thread()) {}

  Work operator()() {
    open();
    const std::size_t step = std::clamp<std::size_t>(kBlockBytes / (compiled_.counts * sizeof(Count) + 1), 1,
                                                     std::min<std::size_t>(window_.rows, compiled_.most_rows));
    at_least(scratch_.counts, compiled_.counts * step);
    scratch_.done.resize(team_ ? team_->size() : 1);
    at_least(scratch_.silent, compiled_.stages.size() * step);
    for (first_ = 0; first_ < window_.rows; first_ += block_) {
      block_ = std::min<std::size_t>(step, window_.rows - first_);
      for (std::size_t i = 0; i < compiled_.stages.size(); ++i) run_stage(i);
      if (compiled_.lines > 0) move_lines();
    }
    close();
    return work_;
  }

 private:
  bool has_state() const { return !compiled_.state_sizes.empty(); }

  void open() {
    const Model& model = compiled_.model;
    SYN_ASSERT(window_.rows >= 1 && state_.next_row + window_.rows <= model.rows(), window_.rows, state_.next_row);
    SYN_ASSERT(window_.in.size() == compiled_.sources, window_.in.size(), compiled_.sources);
    window_.out.resize(compiled_.outputs);
    window_.potentials.clear();
    window_.checksum = window_.spikes = window_.events = 0;
    scratch_.rows.assign(compiled_.stages.size(), {});
    scratch_.constant_at.assign(compiled_.stages.size(), -1);
    std::size_t constants = 0;
    for (std::size_t i = 0; i < compiled_.stages.size(); ++i) {
      const Stage& stage = compiled_.stages[i];
      if (stage.source >= 0) open_source(stage);
      if (std::holds_alternative<Readout>(stage.population->kind) && stage.state < 0)
        window_.potentials.resize(stage.neurons);
      if (stage.output >= 0) window_.out[static_cast<std::size_t>(stage.output)].resize(stage.neurons * window_.rows);
      if (!stage.bias.empty() && std::ranges::any_of(stage.inputs, [&](const Input& in) { return constant(in); })) {
        scratch_.constant_at[i] = static_cast<std::ptrdiff_t>(constants);
        constants += stage.neurons;
      }
    }
    constants_ = constants;
    at_least(scratch_.constant, constants);
    if (carried_) {
      // All constant sources come together or not at all.
      SYN_ASSERT(state_.constants.size() == constants, state_.constants.size(), constants);
      std::ranges::copy(state_.constants, scratch_.constant.begin());
    } else {
      std::fill_n(scratch_.constant.begin(), constants, 0);  // what a population that is silent in row 0 would sum up
    }
    if (state_.next_row == 0) start_lines();
    if (has_state() && state_.next_row == 0) start();
  }

  void open_source(const Stage& stage) {
    const auto& in = window_.in[static_cast<std::size_t>(stage.source)];
    if (in.empty()) {
      SYN_ASSERT(!kept(stage).empty(), stage.population->name);
      carried_ = true;
      return;
    }
    SYN_ASSERT(in.size() == stage.neurons || in.size() == stage.neurons * window_.rows, stage.population->name,
               in.size());
  }

  // What an ended inference left in the state is memory for this one.
  void start() {
    state_.values.resize(compiled_.state_sizes.size());
    for (std::size_t i = 0; i < state_.values.size(); ++i) state_.values[i].assign(compiled_.state_sizes[i], 0);
    state_.at_rest.assign(state_.values.size(), 1);
    state_.owed.assign(state_.values.size(), 0);
    for (const Stage& stage : compiled_.stages) {
      if (stage.leaky) {
        const auto at = static_cast<std::size_t>(stage.state);
        state_.at_rest[at] = stage.leaky->start(state_.values[at]);
      }
      const auto* fire = std::get_if<IntegrateAndFire>(&stage.population->kind);
      if (!fire || stage.state < 0) continue;
      auto& v = state_.values[static_cast<std::size_t>(stage.state)];
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = fire->threshold[i % fire->threshold.size()] >> 1;
      // Half a threshold does not reach it; but the clamp would move what lies beyond.
      const auto [least, most] = std::ranges::minmax(v);
      state_.at_rest[static_cast<std::size_t>(stage.state)] = least >= fire->v_min && most <= fire->v_max;
    }
  }

  void start_lines() {
    state_.lines.resize(compiled_.lines);
    for (const Stage& stage : compiled_.stages) {
      if (stage.line < 0) continue;
      DelayLine& line = state_.lines[static_cast<std::size_t>(stage.line)];
      line.rows.assign(stage.line_rows * stage.neurons, 0);
      line.silent.assign(stage.line_rows, !stage.padded);
      if (!stage.padded) continue;
      const auto& padding = std::get<Source>(stage.population->kind).padding;
      for (std::size_t i = 0; i < line.rows.size(); ++i) line.rows[i] = padding[i % padding.size()];
    }
  }

  void move_lines() {
    for (std::size_t i = 0; i < compiled_.stages.size(); ++i) {
      const Stage& stage = compiled_.stages[i];
      if (stage.line < 0) continue;
      DelayLine& line = state_.lines[static_cast<std::size_t>(stage.line)];
      for (std::size_t r = block_ > stage.line_rows ? block_ - stage.line_rows : 0; r < block_; ++r) {
        const std::size_t slot = (state_.next_row + first_ + r) % stage.line_rows;
        Count* row = line.rows.data() + slot * stage.neurons;
        if (!silent(i, r)) {
          std::copy_n(row_of(static_cast<std::uint32_t>(i), r), stage.neurons, row);
        } else if (!line.silent[slot]) {
          std::fill_n(row, stage.neurons, Count{0});
        }
        line.silent[slot] = silent(i, r);
      }
    }
  }

  // A source that was given one row for a window of several holds for all of them; so do pixels for the windows that
  // follow, which then are given nothing. Another shard's single row is an ordinary window of one row.
  bool constant(const Input& input) const {
    const Stage& from = compiled_.stages[input.from];
    if (from.source < 0 || compiled_.model.rows() == 1 || input.delay > 0) return false;
    const std::size_t given = window_.in[static_cast<std::size_t>(from.source)].size();
    return given == 0 || (given == from.neurons && (window_.rows > 1 || from.pixels));
  }

  void run_stage(std::size_t i) {
    const Stage& stage = compiled_.stages[i];
    if (stage.source >= 0) return read_source(i);
    Count* out = scratch_.counts.data() + stage.counts_at * block_;
    scratch_.rows[i] = {out, stage.neurons};
    for (std::size_t r = 0; r < block_; ++r, out += stage.neurons) {
      silent(i, r) = stays_silent(stage, r);
      if (silent(i, r)) {
        if (stage.output >= 0) std::fill_n(output_of(stage, r), stage.neurons, Count{0});
        if (stage.leaky && stage.leaky->leaks()) ++state_.owed[static_cast<std::size_t>(stage.state)];
        continue;
      }
      if (stage.leaky) pay(stage);
      const unsigned parts = parts_of(stage);
      auto run_part = [&](unsigned index) { compute(i, r, out, part_of(stage, index, parts), scratch_.done[index]); };
      if (parts == 1) {
        run_part(0);
      } else {
        team_->run(parts, run_part);
      }
      close_row(i, r, parts);
    }
  }

  void read_source(std::size_t i) {
    const Stage& stage = compiled_.stages[i];
    Rows& rows = scratch_.rows[i];
    const auto& in = window_.in[static_cast<std::size_t>(stage.source)];
    if (in.empty()) {
      rows = {kept(stage).data(), 0};
      const bool nothing = !stage.padded && kernels_.greatest(rows.data, stage.neurons) == 0;
      for (std::size_t r = 0; r < block_; ++r) silent(i, r) = nothing;
      return;  // accounted for when it came
    }
    rows.stride = in.size() == stage.neurons ? 0 : stage.neurons;
    rows.data = in.data() + first_ * rows.stride;
    for (std::size_t r = 0; r < block_; ++r) {
      if (r > 0 && rows.stride == 0) {
        silent(i, r) = silent(i, 0);
        continue;
      }
      const Count* counts = rows.data + r * rows.stride;
      const kernels::Reach reach = reach_of(stage, counts, first_ == 0 || rows.stride != 0 || window_.rows == 1);
      const Count greatest = reach.greatest;
      SYN_ASSERT(greatest <= stage.population->greatest, stage.population->name, greatest);
      silent(i, r) = greatest == 0 && !stage.padded;
      work_.synaptic_operations += reach.reached;
    }
    if (stage.output < 0) return;
    for (std::size_t r = 0; r < block_; ++r)
      std::copy_n(rows.data + r * rows.stride, stage.neurons, output_of(stage, r));
  }

  // `counted`: or not again, because the sums of a constant source are made once.
  kernels::Reach reach_of(const Stage& stage, const Count* counts, bool counted) const {
    counted = counted && accounts() && stage.has_fan_out();
    if (counted && stage.fan_out.empty())
      return kernels_.sum_where_small(counts, stage.small_fan_out.data(), stage.neurons);
    const Count greatest = kernels_.greatest(counts, stage.neurons);
    return {counted && greatest > 0 ? kernels_.sum_where(counts, stage.fan_out.data(), stage.neurons) : 0, greatest};
  }

  // Splitting costs about a microsecond.
  static constexpr std::uint64_t kWorthSplitting = 600'000;  // multiply-adds
  unsigned parts_of(const Stage& stage) const {
    if (!team_ || stage.products < kWorthSplitting) return 1;
    return static_cast<unsigned>(std::min<std::size_t>(team_->size(), stage.splits));
  }
  Part part_of(const Stage& stage, unsigned index, unsigned parts) const {
    const Shape& shape = stage.population->shape;
    const auto share = [&](std::size_t of) { return std::pair{of * index / parts, of * (index + 1) / parts}; };
    if (stage.splits_outputs) {
      const auto [first, last] = share(stage.splits);
      return {0, 1, first * kernels::kTile, std::min<std::size_t>(last * kernels::kTile, shape.channels)};
    }
    const auto [first, last] = share(shape.height);
    return {first, last, 0, shape.channels};
  }

  // Row r of the neurons of one part: makes their counts, and counts them.
  void compute(std::size_t i, std::size_t r, Count* out, const Part& part, Done& done) {
    const Stage& stage = compiled_.stages[i];
    const std::size_t begin = part.first_row * stage.band + part.first_output;
    const std::size_t end = (part.last_row - 1) * stage.band + (stage.splits_outputs ? part.last_output : stage.band);
    done = {};
    if (std::holds_alternative<Pooled>(stage.population->kind)) {
      pool(stage, r, out);
    } else {
      integrate(i, r, part, out, done);
    }
    const std::size_t n = end - begin;
    const Count* counts = out + begin;
    if (stage.has_keys() && accounts() &&
        (!stage.leaky || done.fired)) {  // most steps of most of them have nothing to count
      if (!stage.has_small_keys()) {
        done.tally = kernels_.tally(counts, stage.key_low.data() + begin, stage.key_high.data() + begin, n);
        if (stage.spikes != kernels::Spikes::counts) done.tally.spikes = kernels_.set_bits(counts, n);
      } else {
        const std::uint16_t* fan_out = stage.small_fan_out.empty() ? nullptr : stage.small_fan_out.data() + begin;
        done.tally = kernels_.tally_small(counts, stage.keys(begin), fan_out, stage.spikes, n);
      }
      if (stage.has_fan_out() && (!stage.has_small_keys() || stage.small_fan_out.empty()))
        done.tally.reached = reached(stage, counts, begin, n);
    }
    if (stage.output >= 0) std::copy_n(counts, n, output_of(stage, r) + begin);
  }
  std::uint64_t reached(const Stage& stage, const Count* counts, std::size_t begin, std::size_t n) const {
    return stage.fan_out.empty() ? kernels_.sum_where_small(counts, stage.small_fan_out.data() + begin, n).reached
                                 : kernels_.sum_where(counts, stage.fan_out.data() + begin, n);
  }
  bool accounts() const { return window_.accounts || compiled_.model.code == Code::step; }
  static bool fires(const Stage& stage) { return snn::fires(*stage.population); }

  void close_row(std::size_t i, std::size_t r, unsigned parts) {
    const Stage& stage = compiled_.stages[i];
    Done sum;
    for (unsigned p = 0; p < parts; ++p) {
      const Done& done = scratch_.done[p];
      sum.tally += done.tally;
      sum.rests = sum.rests && done.rests;
    }
    work_.neuron_updates += stage.neurons;
    work_.synaptic_operations += sum.tally.reached;
    if (stage.state >= 0) state_.at_rest[static_cast<std::size_t>(stage.state)] = sum.rests;
    if (!stage.has_keys()) return;
    window_.checksum += sum.tally.checksum * (2 * (std::uint64_t{state_.next_row} + first_ + r) + 1);
    if (fires(stage)) {
      window_.spikes += sum.tally.spikes;
      window_.events += sum.tally.events;
    }
    silent(i, r) = accounts() && sum.tally.events == 0;
  }

  std::uint8_t& silent(std::size_t population, std::size_t r) { return scratch_.silent[population * block_ + r]; }
  // What a projection reads in row r: a row of the block, or one before it.
  std::size_t slot_of(const Input& input, std::size_t r) const {
    const std::size_t rows = compiled_.stages[input.from].line_rows;
    return (state_.next_row + first_ + r + rows - input.delay) % rows;
  }
  bool is_silent(const Input& input, std::size_t r) {
    if (r >= input.delay) return silent(input.from, r - input.delay);
    return line_of(input).silent[slot_of(input, r)];
  }
  const DelayLine& line_of(const Input& input) const {
    return state_.lines[static_cast<std::size_t>(compiled_.stages[input.from].line)];
  }
  const Count* row_of(const Input& input, std::size_t r) const {
    if (r >= input.delay) return row_of(input.from, r - input.delay);
    return line_of(input).rows.data() + slot_of(input, r) * compiled_.stages[input.from].neurons;
  }

  void pay(const Stage& stage) {
    const auto at = static_cast<std::size_t>(stage.state);
    if (state_.owed[at] > 0) work_.neuron_updates += stage.leaky->rest(kernels_, state_.owed[at], state_.values[at]);
    state_.owed[at] = 0;
  }

  bool stays_silent(const Stage& stage, std::size_t r) {
    const bool pooled = std::holds_alternative<Pooled>(stage.population->kind);
    if (!pooled && (stage.state < 0 || stage.biased || !state_.at_rest[static_cast<std::size_t>(stage.state)]))
      return false;
    return std::ranges::all_of(stage.inputs, [&](const Input& input) { return is_silent(input, r); });
  }

  const Count* row_of(std::uint32_t population, std::size_t r) const {
    const Rows& rows = scratch_.rows[population];
    return rows.data + r * rows.stride;
  }

  void open_input(const Input& input, std::size_t r, const Part& part, bool fires, PartScratch& scratch) {
    snn::open_input(compiled_, kernels_, input, row_of(input, r), part, fires, scratch);
  }

  // Bias and constant sources, once for the whole window.
  void sum_constants(std::size_t i, const Part& part, PartScratch& scratch) {
    const Stage& stage = compiled_.stages[i];
    const std::size_t from = part.first_output, n = neurons_of_band(stage, part);
    for (const Input& input : stage.inputs)
      if (constant(input)) open_input(input, 0, part, false, scratch);
    // Sums are read and written beyond a band's end (adding zero), so they are made in `band` and copied.
    std::int32_t* band = scratch.band.data();
    for (std::size_t y = part.first_row; y < part.last_row; ++y) {
      std::copy_n(stage.bias.data() + y * stage.bias_stride + from, n, band);
      for (const Input& input : stage.inputs)
        if (constant(input))
          add_band(compiled_, kernels_, stage, input, row_of(input, 0), part, y, band, band, nullptr, scratch);
      std::copy_n(
          band, n,
          scratch_.constant.data() + scratch_.constant_at[i] + static_cast<std::ptrdiff_t>(y * stage.band + from));
    }
  }

  static std::size_t neurons_of_band(const Stage& stage, const Part& part) {
    return stage.splits_outputs ? part.last_output - part.first_output : stage.band;
  }

  void integrate(std::size_t i, std::size_t r, const Part& part, Count* out, Done& done) {
    const Stage& stage = compiled_.stages[i];
    PartScratch& scratch = part_scratch(compiled_);
    const std::ptrdiff_t constant_at = scratch_.constant_at[i];
    if (constant_at >= 0 && first_ == 0 && r == 0 && !carried_) sum_constants(i, part, scratch);
    const auto reads = [&](const Input& input) {
      return (constant_at < 0 || !constant(input)) && !is_silent(input, r);
    };
    scratch.inputs.clear();
    for (const Input& input : stage.inputs)
      if (reads(input)) scratch.inputs.push_back(&input);
    const std::size_t at = part.first_output, n = neurons_of_band(stage, part);
    // Where each band begins, and its sums, are made for some bands; then the last projection ends them, and they fire.
    const bool at_once = !stage.half.empty(), alone = scratch.inputs.size() <= 1;
    const bool alike = alone && constant_at < 0 && stage.bias_stride == 0;
    kernels::Firing firing{.is_short = !stage.short_power.empty()};
    for (const Input* input : scratch.inputs)
      open_input(*input, r, part, firing.is_short && input == scratch.inputs.back(), scratch);
    if (at_once) firing.volley = small_volley(stage, at, n);
    if (firing.is_short) {
      firing.in_short = {.start = alike && !stage.short_start.empty() ? stage.short_start.data() + at : nullptr,
                         .multiplier = stage.short_multiplier.data() + at,
                         .power = stage.short_power.data() + at,
                         .ceiling = static_cast<Count>(stage.population->greatest)};
    }
    const std::size_t step = alone ? part.last_row - part.first_row : stage.bands_at_once;
    Part some = part;
    for (some.first_row = part.first_row; some.first_row < part.last_row; some.first_row = some.last_row) {
      some.last_row = std::min(part.last_row, some.first_row + step);
      std::int32_t* const sums = scratch.band.data();
      for (std::size_t y = some.first_row; !alone && y < some.last_row; ++y)
        begin_band(i, r, some, y, sums + (y - some.first_row) * stage.band, scratch);
      for (std::size_t y = some.first_row, bands = 0; y < some.last_row; y += bands) {
        firing.out = out + y * stage.band + at;
        std::int32_t* const own = alone ? sums : sums + (y - some.first_row) * stage.band;
        const std::int32_t* from = alone ? start_of(i, y) + at : own;
        bands = 0;
        if (at_once && !scratch.inputs.empty())
          bands = fire_bands(compiled_, kernels_, *scratch.inputs.back(), some, y, from, alike ? 0 : stage.band, own,
                             firing, scratch);
        if (bands > 0) continue;
        bands = 1;
        if (!scratch.inputs.empty())
          from = add_band(compiled_, kernels_, stage, *scratch.inputs.back(), row_of(*scratch.inputs.back(), r), part,
                          y, from, own, at_once ? &firing : nullptr, scratch);
        if (from) fire(stage, y, at, n, from, firing.out, done);
      }
    }
  }

  // What band `y`'s sums begin with: bias, or what bias and constant sources sum to.
  const std::int32_t* start_of(std::size_t i, std::size_t y) const {
    const Stage& stage = compiled_.stages[i];
    if (scratch_.constant_at[i] < 0) return stage.bias.data() + y * stage.bias_stride;
    return scratch_.constant.data() + scratch_.constant_at[i] + y * stage.band;
  }
  // sums = that + what all projections but the last one add.
  void begin_band(std::size_t i, std::size_t r, const Part& part, std::size_t y, std::int32_t* sums,
                  PartScratch& scratch) {
    const Stage& stage = compiled_.stages[i];
    const std::int32_t* from = start_of(i, y) + part.first_output;
    for (std::size_t k = 0; k + 1 < scratch.inputs.size(); ++k)
      from = add_band(compiled_, kernels_, stage, *scratch.inputs[k], row_of(*scratch.inputs[k], r), part, y, from,
                      sums, nullptr, scratch);
    if (from != sums) std::copy_n(from, neurons_of_band(stage, part), sums);
  }

  // That of `n` neurons of a band from its neuron `at` on; of stages with `half`.
  static kernels::SmallVolley small_volley(const Stage& stage, std::size_t at, std::size_t n) {
    return {.reciprocal = stage.reciprocal.data() + at,
            .half = stage.half.data() + at,
            .ceiling = static_cast<float>(stage.population->greatest) + 0.5f,
            .period = stage.splits_outputs ? n : stage.population->shape.channels};
  }

  // `n` neurons of band `y`, from its neuron `at` on.
  void fire(const Stage& stage, std::size_t y, std::size_t at, std::size_t n, const std::int32_t* sums, Count* out,
            Done& done) {
    const std::size_t neuron = y * stage.band + at;
    if (stage.leaky) {
      auto& state = state_.values[static_cast<std::size_t>(stage.state)];
      const auto stepped = stage.leaky->step(kernels_, y, at, n, sums, state, out);
      done.rests = done.rests && stepped.rests;
      done.fired = done.fired || stepped.fired;
    } else if (const auto* neurons = std::get_if<IntegrateAndFire>(&stage.population->kind)) {
      if (!stage.half.empty()) {
        kernels_.fire_small_volley(small_volley(stage, at, n), sums, n, out);
      } else if (stage.state < 0) {
        kernels_.fire_volley({stage.threshold.data() + at, stage.limit.data() + at, stage.reciprocal.data() + at}, sums,
                             n, out);
      } else {
        const bool rest = kernels_.fire_step({stage.threshold.data() + at, neurons->v_min, neurons->v_max}, sums, n,
                                             state_at(stage) + neuron, out);
        done.rests = done.rests && rest;
      }
    } else if (stage.state < 0) {
      std::copy_n(sums, n, window_.potentials.data() + neuron);
    } else {
      std::int32_t* potential = state_at(stage) + neuron;
      for (std::size_t i = 0; i < n; ++i) potential[i] += sums[i];
    }
  }

  void pool(const Stage& stage, std::size_t r, Count* out) {
    const Input& input = stage.inputs.front();
    const Shape &from = compiled_.stages[input.from].population->shape, &to = stage.population->shape;
    const Count* counts = row_of(input.from, r);
    const bool slack = compiled_.stages[input.from].source < 0;  // counts from outside have none to be read
    if (const auto* sum = std::get_if<SumPool>(input.connection))
      return sum_pool(kernels_, *sum, from, to, counts, slack, out);
    const auto& max = std::get<MaxPool>(*input.connection);
    if (stage.state < 0) return max_pool(kernels_, max, from, to, counts, slack, out);
    // Integer rule 6: the maximum of cumulative counts hands on how much it grew.
    std::int32_t* maxima = state_at(stage);
    std::int32_t* cumulative = maxima + stage.neurons;
    for (std::size_t i = 0; i < from.neurons(); ++i) cumulative[i] += counts[i];
    at_least(scratch_.maxima, stage.neurons);
    max_pool(max, from, to, cumulative, scratch_.maxima.data());
    for (std::size_t i = 0; i < stage.neurons; ++i) {
      out[i] = static_cast<Count>(scratch_.maxima[i] - maxima[i]);
      maxima[i] = scratch_.maxima[i];
    }
  }

  std::int32_t* state_at(const Stage& stage) { return state_.values[static_cast<std::size_t>(stage.state)].data(); }

  Count* output_of(const Stage& stage, std::size_t r) {
    return window_.out[static_cast<std::size_t>(stage.output)].data() + (first_ + r) * stage.neurons;
  }

  std::span<const Count> kept(const Stage& source) const {
    const auto at = static_cast<std::size_t>(source.source);
    return at < state_.rows.size() ? std::span<const Count>(state_.rows[at]) : std::span<const Count>();
  }

  void keep_rows() {
    state_.rows.resize(compiled_.sources);
    for (const Stage& stage : compiled_.stages) {
      if (!stage.pixels) continue;
      const auto at = static_cast<std::size_t>(stage.source);
      if (window_.in[at].size() == stage.neurons) state_.rows[at] = window_.in[at];
    }
  }

  void close() {
    state_.next_row += window_.rows;
    if (state_.next_row == compiled_.model.rows()) {
      state_.constants.clear();
      state_.rows.clear();
    } else if (!carried_) {
      keep_rows();
      state_.constants.assign(scratch_.constant.begin(),
                              scratch_.constant.begin() + static_cast<std::ptrdiff_t>(constants_));
    }
    if (state_.next_row < compiled_.model.rows() || compiled_.readout < 0) return;
    const Stage& readout = compiled_.stages[static_cast<std::size_t>(compiled_.readout)];
    if (readout.state < 0) return;
    if (readout.leaky) pay(readout);
    const auto& values = state_.values[static_cast<std::size_t>(readout.state)];
    window_.potentials.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(readout.neurons));
  }

  bool carried_ = false;       // constant sources came with an earlier window
  std::size_t constants_ = 0;  // elements of scratch_.constant in use
  const Compiled& compiled_;
  const kernels::Table& kernels_;
  State& state_;
  Window& window_;
  Team* team_;
  Scratch& scratch_;
  Work work_{};
  std::size_t first_ = 0, block_ = 0;  // the block's first row in the window, and its length
};

}  // namespace

Work run(const Compiled& compiled, const kernels::Table& kernels, State& state, Window& window, Team* team) {
  return Run(compiled, kernels, state, window, team)();
}

std::vector<std::int32_t> potentials(const Compiled& compiled, const kernels::Table& kernels, const State& state,
                                     std::uint32_t population) {
  SYN_ASSERT(population < compiled.stages.size(), population);
  const Stage& stage = compiled.stages[population];
  SYN_ASSERT(stage.state >= 0 && state.next_row > 0, population, state.next_row);
  const auto at = static_cast<std::size_t>(stage.state);
  std::vector<std::int32_t> values = state.values[at];
  if (stage.leaky) stage.leaky->rest(kernels, state.owed[at], values);
  values.resize(stage.neurons);
  return values;
}

}  // namespace syn::snn
