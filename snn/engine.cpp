// Order of execution. A window's rows are taken in blocks; within a block, populations go in model order and each sees
// all rows of the block before the next one starts (one pass over its weights a block). On entry of a population every
// source of it has its rows of the block; on exit its own rows are there, and its state has advanced past them. Blocks
// and windows differ in nothing but where they stop, hence any split gives the same bits.
//
// Within one row a population is computed by bands (one row of positions), so that sums stay in the first cache:
//   band = bias, or what bias and constant sources sum to;  + every other projection;  then the neurons fire.
#include "snn/engine.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "snn/compiled.hpp"

namespace syn::snn {
namespace {

using kernels::kSlack;

// A block's counts should stay in the second cache.
constexpr std::size_t kBlockBytes = 512 << 10;

struct Rows {  // row r of a block is at data + r * stride; stride 0: every row is the same
  const Count* data = nullptr;
  std::size_t stride = 0;
};

// Memory of one running call, kept by its thread for the next one: the steady state allocates nothing.
struct Scratch {
  std::vector<Count> counts, copy;
  std::vector<std::uint32_t> values, offsets, starts;
  std::vector<std::int32_t> band, constant, maxima;
  std::vector<Rows> rows;                   // per population
  std::vector<std::ptrdiff_t> constant_at;  // per population: its sums from constant sources in `constant`, or -1
};
Scratch& scratch_of_thread() {
  thread_local Scratch scratch;
  return scratch;
}
template <class T>
void at_least(std::vector<T>& buffer, std::size_t n) {
  if (buffer.size() < n + kSlack) buffer.resize(n + kSlack);
}
void prepare(Scratch& scratch, const Compiled& compiled, std::size_t rows) {
  at_least(scratch.counts, compiled.counts * rows);
  at_least(scratch.copy, compiled.copies);
  at_least(scratch.values, compiled.events);
  at_least(scratch.offsets, compiled.events);
  at_least(scratch.starts, compiled.starts);
  at_least(scratch.band, compiled.band);
}

Linear::Events events_of(const Input& input, Scratch& scratch) {
  return {scratch.values.data() + input.events_at, scratch.offsets.data() + input.events_at,
          scratch.starts.data() + input.starts_at, scratch.copy.data() + input.copy_at};
}

// One call of Engine::run.
class Run {
 public:
  Run(const Compiled& compiled, const kernels::Table& kernels, State& state, Window& window)
      : compiled_(compiled), kernels_(kernels), state_(state), window_(window), scratch_(scratch_of_thread()) {}

  Work operator()() {
    open();
    const std::size_t step =
        std::clamp<std::size_t>(kBlockBytes / (compiled_.counts * sizeof(Count) + 1), 1, window_.rows);
    prepare(scratch_, compiled_, step);
    for (first_ = 0; first_ < window_.rows; first_ += block_) {
      block_ = std::min<std::size_t>(step, window_.rows - first_);
      for (std::size_t i = 0; i < compiled_.stages.size(); ++i) run_stage(i);
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
    }
    if (has_state() && state_.values.empty()) start();
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
    const Count greatest = kernels_.greatest(in.data(), in.size());
    SYN_ASSERT(greatest <= stage.population->greatest, stage.population->name, greatest);
  }

  void start() {
    SYN_ASSERT(state_.next_row == 0, state_.next_row);
    for (const std::size_t size : compiled_.state_sizes) state_.values.emplace_back(size);
    for (const Stage& stage : compiled_.stages) {
      const auto* fire = std::get_if<IntegrateAndFire>(&stage.population->kind);
      if (!fire || stage.state < 0) continue;
      auto& v = state_.values[static_cast<std::size_t>(stage.state)];
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = fire->threshold[i % fire->threshold.size()] >> 1;
    }
  }

  // A source that was given one row for a window of several holds for all of them; so do pixels for the windows that
  // follow, which then are given nothing. Another shard's single row is an ordinary window of one row.
  bool constant(const Input& input) const {
    const Stage& from = compiled_.stages[input.from];
    if (from.source < 0 || compiled_.model.rows() == 1) return false;
    const std::size_t given = window_.in[static_cast<std::size_t>(from.source)].size();
    return given == 0 || (given == from.neurons && (window_.rows > 1 || from.pixels));
  }

  void run_stage(std::size_t i) {
    const Stage& stage = compiled_.stages[i];
    Rows& rows = scratch_.rows[i];
    if (stage.source >= 0) {
      const auto& in = window_.in[static_cast<std::size_t>(stage.source)];
      if (in.empty()) {
        rows = {kept(stage).data(), 0};
        return;  // accounted for when it came
      }
      rows.stride = in.size() == stage.neurons ? 0 : stage.neurons;
      rows.data = in.data() + first_ * rows.stride;
    } else {
      rows = {scratch_.counts.data() + stage.counts_at * block_, stage.neurons};
      Count* out = scratch_.counts.data() + stage.counts_at * block_;
      if (scratch_.constant_at[i] >= 0 && first_ == 0 && !carried_) sum_constants(i);
      for (std::size_t r = 0; r < block_; ++r) {
        if (std::holds_alternative<Pooled>(stage.population->kind)) {
          pool(stage, r, out + r * stage.neurons);
        } else {
          integrate(i, r, out + r * stage.neurons);
        }
        work_.neuron_updates += stage.neurons;
      }
    }
    account(stage, rows);
  }

  const Count* row_of(std::uint32_t population, std::size_t r) const {
    const Rows& rows = scratch_.rows[population];
    return rows.data + r * rows.stride;
  }

  void list(const Input& input, std::size_t r) {
    if (input.linear >= 0)
      compiled_.linears[static_cast<std::size_t>(input.linear)].list(kernels_, row_of(input.from, r),
                                                                     events_of(input, scratch_));
  }
  void add_band(const Stage& stage, const Input& input, std::size_t r, std::size_t y, std::int32_t* sums) {
    if (input.linear >= 0) {
      compiled_.linears[static_cast<std::size_t>(input.linear)].add_row(kernels_, events_of(input, scratch_),
                                                                        static_cast<std::int64_t>(y), sums);
    } else {
      add_sum_pool(std::get<SumPool>(*input.connection), compiled_.stages[input.from].population->shape,
                   stage.population->shape, row_of(input.from, r), static_cast<std::int64_t>(y), sums);
    }
  }

  // Bias and constant sources, once for the whole window.
  void sum_constants(std::size_t i) {
    const Stage& stage = compiled_.stages[i];
    for (const Input& input : stage.inputs)
      if (constant(input)) list(input, 0);
    // Sums are read and written beyond a band's end (adding zero), so they are made in `band` and copied.
    for (std::size_t y = 0; y < stage.population->shape.height; ++y) {
      std::ranges::copy(stage.bias, scratch_.band.begin());
      for (const Input& input : stage.inputs)
        if (constant(input)) add_band(stage, input, 0, y, scratch_.band.data());
      std::copy_n(scratch_.band.data(), stage.band,
                  scratch_.constant.data() + scratch_.constant_at[i] + static_cast<std::ptrdiff_t>(y * stage.band));
    }
  }

  void integrate(std::size_t i, std::size_t r, Count* out) {
    const Stage& stage = compiled_.stages[i];
    const std::ptrdiff_t constant_at = scratch_.constant_at[i];
    for (const Input& input : stage.inputs)
      if (constant_at < 0 || !constant(input)) list(input, r);
    std::int32_t* band = scratch_.band.data();
    for (std::size_t y = 0; y < stage.population->shape.height; ++y) {
      const std::int32_t* from =
          constant_at < 0 ? stage.bias.data()
                          : scratch_.constant.data() + constant_at + static_cast<std::ptrdiff_t>(y * stage.band);
      std::copy_n(from, stage.band, band);
      for (const Input& input : stage.inputs)
        if (constant_at < 0 || !constant(input)) add_band(stage, input, r, y, band);
      fire(stage, y * stage.band, band, out + y * stage.band);
    }
  }

  void fire(const Stage& stage, std::size_t at, const std::int32_t* sums, Count* out) {
    if (const auto* neurons = std::get_if<IntegrateAndFire>(&stage.population->kind)) {
      if (stage.state < 0) {
        kernels_.fire_volley({stage.threshold.data(), stage.limit.data(), stage.reciprocal.data()}, sums, stage.band,
                             out);
      } else {
        kernels_.fire_step({stage.threshold.data(), neurons->v_min, neurons->v_max}, sums, stage.band,
                           state_at(stage) + at, out);
      }
    } else if (stage.state < 0) {
      window_.potentials.insert(window_.potentials.end(), sums, sums + stage.band);
    } else {
      std::int32_t* potential = state_at(stage) + at;
      for (std::size_t i = 0; i < stage.band; ++i) potential[i] += sums[i];
    }
  }

  void pool(const Stage& stage, std::size_t r, Count* out) {
    const Input& input = stage.inputs.front();
    const Shape &from = compiled_.stages[input.from].population->shape, &to = stage.population->shape;
    const Count* counts = row_of(input.from, r);
    if (const auto* sum = std::get_if<SumPool>(input.connection)) return sum_pool(*sum, from, to, counts, out);
    const auto& max = std::get<MaxPool>(*input.connection);
    if (stage.state < 0) return max_pool(max, from, to, counts, out);
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

  void account(const Stage& stage, const Rows& rows) {
    const bool fires = std::holds_alternative<IntegrateAndFire>(stage.population->kind);
    for (std::size_t r = 0; r < block_; ++r) {
      const Count* counts = rows.data + r * rows.stride;
      if (!stage.key_low.empty()) {
        const auto tally = kernels_.tally(counts, stage.key_low.data(), stage.key_high.data(), stage.neurons);
        window_.checksum += tally.checksum * (2 * (std::uint64_t{state_.next_row} + first_ + r) + 1);
        if (fires) window_.spikes += tally.spikes, window_.events += tally.events;
      }
      // The sums of a constant source are made once.
      if (!stage.fan_out.empty() && (rows.stride != 0 || window_.rows == 1 || (r == 0 && first_ == 0)))
        work_.synaptic_operations += kernels_.sum_where(counts, stage.fan_out.data(), stage.neurons);
      if (stage.output >= 0)
        std::copy_n(counts, stage.neurons,
                    window_.out[static_cast<std::size_t>(stage.output)].data() + (first_ + r) * stage.neurons);
    }
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
    if (readout.state >= 0) window_.potentials = state_.values[static_cast<std::size_t>(readout.state)];
  }

  bool carried_ = false;       // constant sources came with an earlier window
  std::size_t constants_ = 0;  // elements of scratch_.constant in use
  const Compiled& compiled_;
  const kernels::Table& kernels_;
  State& state_;
  Window& window_;
  Scratch& scratch_;
  Work work_{};
  std::size_t first_ = 0, block_ = 0;  // the block's first row in the window, and its length
};

}  // namespace

struct Engine::Impl {
  Impl(Model model, const kernels::Table& table) : compiled(std::move(model)), kernels(&table) {}
  Compiled compiled;
  const kernels::Table* kernels;
};

std::vector<std::string_view> Engine::kernel_names() {
  std::vector<std::string_view> names;
  for (const kernels::Table* table : kernels::available()) names.push_back(table->name);
  return names;
}

Expected<Engine> Engine::make(Model model, std::string_view kernels) {
  const auto tables = kernels::available();
  const auto table = kernels.empty() ? tables.begin() : std::ranges::find(tables, kernels, &kernels::Table::name);
  if (table == tables.end()) {
    std::string known;
    for (const kernels::Table* t : tables) text::append(known, text::cat(' ', t->name));
    return fail(text::cat("this machine has no kernels called '", kernels, "'"), "the engine",
                text::cat("choose one of", known));
  }
  if (auto checked = check_rules(model); !checked) return fail(checked.error());
  return Engine(std::make_unique<const Impl>(std::move(model), **table));
}

std::string_view Engine::kernels() const {
  return impl_->kernels->name;
}
const Model& Engine::model() const {
  return impl_->compiled.model;
}
std::uint64_t Engine::resident_bytes() const {
  return impl_->compiled.resident_bytes();
}
std::uint64_t Engine::state_bytes() const {
  std::uint64_t bytes = sizeof(State);
  for (const Stage& stage : impl_->compiled.stages) {
    const bool keeps =
        std::ranges::any_of(stage.inputs, [&](const Input& in) { return impl_->compiled.stages[in.from].pixels; });
    if (impl_->compiled.model.rows() > 1)
      bytes += stage.neurons * ((keeps ? sizeof(std::int32_t) : 0) + (stage.pixels ? sizeof(Count) : 0));
  }
  for (const std::size_t size : impl_->compiled.state_sizes)
    bytes += size * sizeof(std::int32_t) + sizeof(std::vector<std::int32_t>);
  return bytes;
}

Work Engine::run(State& state, Window& window) const {
  return Run(impl_->compiled, *impl_->kernels, state, window)();
}

void Engine::sum_inputs(std::uint32_t population, std::span<const std::span<const Count>> counts,
                        std::span<std::int32_t> sums) const {
  const Compiled& compiled = impl_->compiled;
  SYN_ASSERT(population < compiled.stages.size(), population);
  const Stage& stage = compiled.stages[population];
  SYN_ASSERT(sums.size() == stage.neurons, sums.size(), stage.neurons);
  Scratch& scratch = scratch_of_thread();
  prepare(scratch, compiled, 1);
  for (const Input& input : stage.inputs) {
    SYN_ASSERT(counts[input.from].size() == compiled.stages[input.from].neurons, input.from, counts[input.from].size());
    SYN_ASSERT(!std::holds_alternative<MaxPool>(*input.connection), stage.population->name);
    if (input.linear >= 0)
      compiled.linears[static_cast<std::size_t>(input.linear)].list(*impl_->kernels, counts[input.from].data(),
                                                                    events_of(input, scratch));
  }
  for (std::size_t y = 0; y < stage.population->shape.height; ++y) {
    std::fill_n(scratch.band.data(), stage.band, 0);
    for (const Input& input : stage.inputs) {
      if (input.linear >= 0) {
        compiled.linears[static_cast<std::size_t>(input.linear)].add_row(
            *impl_->kernels, events_of(input, scratch), static_cast<std::int64_t>(y), scratch.band.data());
      } else {
        add_sum_pool(std::get<SumPool>(*input.connection), compiled.stages[input.from].population->shape,
                     stage.population->shape, counts[input.from].data(), static_cast<std::int64_t>(y),
                     scratch.band.data());
      }
    }
    std::copy_n(scratch.band.data(), stage.band, sums.data() + y * stage.band);
  }
}

Engine::Engine(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

}  // namespace syn::snn
