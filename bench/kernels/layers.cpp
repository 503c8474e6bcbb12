#include "bench/kernels/layers.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/compiled.hpp"
#include "snn/run.hpp"

namespace syn::bench {
namespace {

using namespace snn;

// Inputs are taken from a pool of so many, from another place each time: a processor learns the branches of 16 inputs
// by heart, and a kernel of events would look up to a third faster than it is.
constexpr std::size_t kPool = 16;
constexpr std::size_t kWarmUp = 4;
constexpr std::int32_t kThreshold = 300;

void keep(const std::vector<Count>& counts) {
  asm volatile("" : : "r"(counts.data()) : "memory");
}

std::vector<std::int8_t> weights(std::size_t n) {
  SeededRandom random(11);
  std::vector<std::int8_t> w(n);
  for (auto& x : w) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return w;
}

Conv conv(const Shape& from, const Shape& to, std::uint32_t kernel, std::uint32_t stride, std::uint32_t dilation) {
  const auto pad = static_cast<std::int32_t>(kernel / 2 * dilation);
  return {.kernel_height = kernel,
          .kernel_width = kernel,
          .stride_y = stride,
          .stride_x = stride,
          .dilation_y = dilation,
          .dilation_x = dilation,
          .pad_top = pad,
          .pad_left = pad,
          .weights = weights(std::size_t{kernel} * kernel * from.channels * to.channels)};
}
LayerSpec conv_layer(std::string name, Shape from, Shape to, std::uint32_t kernel, std::uint32_t stride = 1,
                     std::uint32_t dilation = 1) {
  return {std::move(name), from, to, conv(from, to, kernel, stride, dilation)};
}

Model model_of(const LayerSpec& layer, const InputSpec& input) {
  Model model{.name = "layer", .code = Code::volley, .steps = input.greatest};
  Population in{.name = "in", .shape = layer.from, .kind = Source{}, .greatest = input.greatest};
  Population out{.name = "out", .shape = layer.to, .greatest = input.greatest};
  out.kind = IntegrateAndFire{.threshold = std::vector<std::int32_t>(layer.to.channels, kThreshold),
                              .bias = std::vector<std::int32_t>(layer.to.channels)};
  model.populations = {std::move(in), std::move(out)};
  model.projections = {{0, 1, layer.connection}};
  // No outputs: as in the middle of a network, counts stay where the next layer would read them.
  return model;
}

double macs_of(const LayerSpec& layer) {
  if (const auto* c = std::get_if<Conv>(&layer.connection))
    return static_cast<double>(layer.to.positions()) * static_cast<double>(c->weights.size());
  if (const auto* d = std::get_if<Dense>(&layer.connection)) return static_cast<double>(d->weights.size());
  return static_cast<double>(layer.to.positions()) *
         static_cast<double>(std::get<Depthwise>(layer.connection).weights.size());
}

// How many words of `parts` counts that are not all zero lie under the kernel, over all target positions.
double words_under(const LayerSpec& layer, const std::vector<Count>& counts, std::size_t parts) {
  const auto some = [&](std::size_t first, std::size_t n) {
    std::size_t words = 0;
    for (std::size_t i = 0; i < n; i += parts)
      words += std::any_of(counts.begin() + static_cast<std::ptrdiff_t>(first + i),
                           counts.begin() + static_cast<std::ptrdiff_t>(first + std::min(n, i + parts)),
                           [](Count c) { return c != 0; });
    return words;
  };
  const auto* c = std::get_if<Conv>(&layer.connection);
  if (!c) return static_cast<double>(some(0, counts.size()));
  const Extent down = vertical(*c, layer.from, layer.to), across = horizontal(*c, layer.from, layer.to);
  double words = 0;
  for (std::int64_t y = 0; y < down.source; ++y) {
    for (std::int64_t x = 0; x < across.source; ++x) {
      const auto reached = [](const Extent& e, std::int64_t at) {  // target positions that read source position `at`
        std::size_t n = 0;
        for (std::int64_t k = 0; k < e.kernel; ++k) {
          const std::int64_t from = at + e.pad - k * e.dilation;
          n += from >= 0 && from % e.stride == 0 && from / e.stride < e.target;
        }
        return n;
      };
      const std::size_t first = static_cast<std::size_t>(y * across.source + x) * layer.from.channels;
      words += static_cast<double>(some(first, layer.from.channels) * reached(down, y) * reached(across, x));
    }
  }
  return words;
}

// What the dense kernel multiplies: at every position, the packed weights of kernel rows that lie over the source;
// nothing where all of those rows are silent.
double dense_macs_of(const LayerSpec& layer, const std::vector<Count>& counts, std::size_t packed_words,
                     std::size_t parts) {
  const double all = static_cast<double>(packed_words * parts);
  const auto* c = std::get_if<Conv>(&layer.connection);
  if (!c) return all;
  const Extent down = vertical(*c, layer.from, layer.to);
  const auto row = static_cast<std::ptrdiff_t>(layer.from.width * layer.from.channels);
  double rows = 0;
  for (std::int64_t y = 0; y < down.target; ++y) {
    double inside = 0;
    bool some = false;
    for (std::int64_t k = 0; k < down.kernel; ++k) {
      const std::int64_t from = down.first(y) + k * down.dilation;
      if (from < 0 || from >= down.source) continue;
      ++inside;
      const auto begin = counts.begin() + from * row;
      some = some || std::any_of(begin, begin + row, [](Count count) { return count != 0; });
    }
    if (some) rows += inside;
  }
  return all * rows / static_cast<double>(down.kernel) * layer.to.width;
}

}  // namespace

std::string name_of(const InputSpec& input) {
  const double percent = input.rate * 100;
  return text::cat(input.greatest == 1 ? std::string("binary") : text::cat("to ", input.greatest), ' ',
                   text::fixed(percent, percent < 1 && percent > 0 ? 1 : 0), " %");
}

double LayerLine::events_kernel() const {
  return std::max(0., events_path.median - events_rest.median);
}
double LayerLine::singles_kernel() const {
  return std::max(0., singles_path.median - singles_rest.median);
}
double LayerLine::dense_kernel() const {
  return std::max(0., dense_path.median - dense_rest.median);
}
double LayerLine::best_path() const {
  double best = 0;
  for (const double ns :
       {events_path.median, singles_path.median, scattered_path.median, dense_path.median, naive_path.median})
    if (ns > 0 && (best == 0 || ns < best)) best = ns;
  return best;
}

LayerSpec main_layer() {
  LayerSpec layer = conv_layer("conv 3x3 14x14x32->64", {14, 14, 32}, {14, 14, 64}, 3);
  layer.naive = true;
  return layer;
}

std::vector<LayerSpec> other_layers() {
  return {conv_layer("conv 3x3 28x28x1->24", {28, 28, 1}, {28, 28, 24}, 3),
          conv_layer("conv 1x1 14x14x64->64", {14, 14, 64}, {14, 14, 64}, 1),
          conv_layer("conv 3x3 stride 2 14x14x32->64", {14, 14, 32}, {7, 7, 64}, 3, 2),
          conv_layer("conv 3x3 dilation 2 14x14x32->64", {14, 14, 32}, {14, 14, 64}, 3, 1, 2),
          conv_layer("conv 3x3 7x7x128->128", {7, 7, 128}, {7, 7, 128}, 3),
          {"dense 784->800", {1, 1, 784}, {1, 1, 800}, Dense{weights(784 * 800)}},
          {"dense 3136->10", {7, 7, 64}, {1, 1, 10}, Dense{weights(3136 * 10)}},
          {"depthwise 3x3 14x14x64",
           {14, 14, 64},
           {14, 14, 64},
           Depthwise{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1, .weights = weights(9 * 64)}}};
}

struct LayerTimer::Impl {
  Impl(const LayerSpec& l, const InputSpec& i, const kernels::Table& t)
      : layer(l), input(i), table(t), events(t), singles(t), scattered(t), dense(t), compiled(model_of(l, i), t) {
    // The engine's own code with a table that leaves it no choice (Linear::method): of words 100 is never exceeded, 0
    // always.
    const auto nothing = [](const kernels::Band&, std::int32_t*) {};
    const auto no_singles = [](const kernels::Singles&, std::int32_t*) {};
    const auto never = [](const kernels::Band& band, std::int32_t*) {
      SYN_ASSERT(false, "the engine chose for itself", band.positions);
    };
    const auto never_single = [](const kernels::Singles& s, std::int32_t*) {
      SYN_ASSERT(false, "the engine chose for itself", s.positions);
    };
    events.dense_percent = events.wide_dense_percent = 100;
    dense.dense_percent = dense.wide_dense_percent = 0;
    for (kernels::Table* t2 : {&events, &dense}) {
      t2->take_singles = kernels::Table::TakeSingles::never;
      t2->add_singles = never_single;
    }
    singles.take_singles = kernels::Table::TakeSingles::always;
    for (kernels::Table* t2 : {&events, &singles}) t2->narrow_dense = t2->wide_dense = never;
    for (kernels::Table* t2 : {&dense, &singles}) t2->narrow_events = t2->wide_events = never;
    scattered.take_singles = kernels::Table::TakeSingles::scattered;  // what cannot be is taken as by choice
    singles_rest = singles;
    singles_rest.add_singles = no_singles;
    events_rest = events;
    events_rest.narrow_events = events_rest.wide_events = nothing;
    dense_rest = dense;
    dense_rest.narrow_dense = dense_rest.wide_dense = nothing;
    make_inputs();
    whole = run_with(table);
    if (!compiled.linears.empty()) {
      dense_path = run_with(dense);
      without_dense = run_with(dense_rest);
      if (compiled.linears[0].size().events > 0) {
        events_path = run_with(events);
        without_events = run_with(events_rest);
      }
      if (compiled.linears[0].size().singles > 0) {
        singles_path = run_with(singles);
        without_singles = run_with(singles_rest);
        scattered_path = run_with(scattered);
      }
    }
    if (layer.naive) make_naive();
  }
  Impl(const Impl&) = delete;

  void make_inputs() {
    SeededRandom random(5);
    constexpr std::uint64_t kOne = std::uint64_t{1} << 40;
    const auto limit = static_cast<std::uint64_t>(std::llround(input.rate * static_cast<double>(kOne)));
    pool.resize(kPool * layer.from.neurons());
    for (Count& c : pool)
      if (random.below(kOne) < limit) c = static_cast<Count>(1 + random.below(input.greatest));
    window.in.emplace_back(layer.from.neurons());
    copying = {.run =
                   [this](std::size_t calls) {
                     for (std::size_t n = 0; n < calls; ++n) keep(next());
                   },
               .warm_up = kWarmUp};
  }
  // Into the first cache, where a layer finds what the one before has just written.
  const std::vector<Count>& next() {
    auto& in = window.in[0];
    std::copy_n(pool.data() + places.below(pool.size() - in.size() + 1), in.size(), in.data());
    return in;
  }

  Timed run_with(const kernels::Table& with) {
    return {.run =
                [this, &with](std::size_t calls) {
                  for (std::size_t n = 0; n < calls; ++n) {
                    next();
                    state.next_row = 0;
                    run(compiled, with, state, window, nullptr);
                  }
                },
            .warm_up = kWarmUp};
  }

  // Its sums into the engine's neurons, with the accounting that the engine does.
  void make_naive() {
    const auto& c = std::get<Conv>(layer.connection);
    scatter_weights.assign(c.weights.begin(), c.weights.end());
    all_sums.resize(layer.to.neurons() + kernels::kSlack);
    fired.resize(layer.to.neurons() + kernels::kSlack);
    naive_path = {.run =
                      [this, scatter = scatter_of(table.name)](std::size_t calls) {
                        const Stage &from = compiled.stages[0], &to = compiled.stages[1];
                        const Scatter s{layer.from.height, layer.from.width, layer.from.channels, layer.to.channels,
                                        scatter_weights.data()};
                        const auto ceiling = static_cast<float>(input.greatest) + 0.5f;
                        for (std::size_t n = 0; n < calls; ++n) {
                          const Count* in = next().data();
                          for (std::size_t at = 0; at < to.neurons; at += to.band)
                            std::copy_n(to.bias.data(), to.band, all_sums.data() + at);
                          scatter(s, in, all_sums.data());
                          for (std::size_t at = 0; at < to.neurons; at += to.band)  // the constants are those of one
                            table.fire_small_volley({to.reciprocal.data(), to.half.data(), ceiling, layer.to.channels},
                                                    all_sums.data() + at, to.band, fired.data() + at);
                          const auto tally =
                              table.tally_small(fired.data(), to.keys(0), nullptr, kernels::Spikes::counts, to.neurons);
                          const std::uint64_t operations =
                              table.sum_where_small(in, from.small_fan_out.data(), from.neurons).reached;
                          asm volatile("" : : "r"(tally.checksum), "r"(operations));
                        }
                      },
                  .warm_up = kWarmUp};
  }

  LayerSpec layer;
  InputSpec input;
  const kernels::Table& table;
  kernels::Table events, singles, scattered, dense, events_rest, singles_rest, dense_rest;
  Compiled compiled;
  State state;
  Window window;
  std::vector<Count> pool;
  SeededRandom places{17};
  LineVector<std::int32_t> all_sums;
  std::vector<Count> fired;
  std::vector<std::int16_t> scatter_weights;
  Timed copying, whole, events_path, without_events, singles_path, without_singles, scattered_path, dense_path,
      without_dense, naive_path;
};

LayerTimer::LayerTimer(const LayerSpec& layer, const InputSpec& input, const kernels::Table& table)
    : impl_(std::make_unique<Impl>(layer, input, table)) {}
LayerTimer::LayerTimer(LayerTimer&&) noexcept = default;
LayerTimer::~LayerTimer() = default;

std::vector<Timed*> LayerTimer::timed() {
  std::vector<Timed*> out;
  for (Timed* t :
       {&impl_->copying, &impl_->whole, &impl_->events_path, &impl_->without_events, &impl_->singles_path,
        &impl_->without_singles, &impl_->scattered_path, &impl_->dense_path, &impl_->without_dense, &impl_->naive_path})
    if (t->run) out.push_back(t);
  return out;
}

const Timed& LayerTimer::engine() const {
  return impl_->whole;
}

LayerLine LayerTimer::line() const {
  Impl& i = *impl_;
  LayerLine line{.layer = i.layer.name, .input = i.input, .macs = macs_of(i.layer)};
  line.linear = !i.compiled.linears.empty();
  line.sum_bytes = i.layer.to.neurons() * sizeof(std::int32_t);
  if (line.linear) {
    const Linear& linear = i.compiled.linears[0];
    line.weight_bytes = linear.size().weights * sizeof(std::uint32_t);
    line.single_weight_bytes = linear.size().single_weights;
    line.narrow = linear.size().copy < linear.size_at_most().copy;
  }
  const std::size_t samples = i.input.rate < 0.01 ? 512 : 32;  // few events vary most
  for (std::size_t n = 0; n < samples; ++n) {
    const auto& counts = i.next();
    i.state.next_row = 0;
    line.synops += static_cast<double>(run(i.compiled, i.table, i.state, i.window, nullptr).synaptic_operations);
    line.events += static_cast<double>(std::ranges::count_if(counts, [](Count c) { return c != 0; }));
    if (!line.linear) continue;
    const std::size_t parts = line.narrow ? 4 : 2;
    const double outputs = (i.layer.to.channels + kernels::kTile - 1) / kernels::kTile * kernels::kTile;
    line.single_macs += words_under(i.layer, counts, 1) * outputs;
    line.word_macs += words_under(i.layer, counts, parts) * outputs * static_cast<double>(parts);
    line.dense_macs += dense_macs_of(i.layer, counts, i.compiled.linears[0].size().weights, parts);
  }
  for (double* sum : {&line.synops, &line.events, &line.word_macs, &line.single_macs, &line.dense_macs})
    *sum /= static_cast<double>(samples);
  const auto without_copying = [&](const Timed& timed) {
    const double copy = timed.run ? i.copying.ns.median : 0;
    return Quartiles{timed.ns.low - copy, timed.ns.median - copy, timed.ns.high - copy};
  };
  line.engine = without_copying(i.whole);
  line.events_path = without_copying(i.events_path);
  line.events_rest = without_copying(i.without_events);
  line.singles_path = without_copying(i.singles_path);
  line.singles_rest = without_copying(i.without_singles);
  line.scattered_path = without_copying(i.scattered_path);
  line.dense_path = without_copying(i.dense_path);
  line.dense_rest = without_copying(i.without_dense);
  line.naive_path = without_copying(i.naive_path);
  return line;
}

}  // namespace syn::bench
