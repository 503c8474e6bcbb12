// What the neurons of a model did: histograms of the counts of each population, and of each slice of one that crosses
// an edge, and the synapses that they met. Runs the integer engine on a model whose every population is an output; the
// counts are those of any other run of that model (P1), so that a page about a mesh may show what its nodes computed.
// Deliberately not here: accuracy, latency (evaluation.hpp), drawing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/engine.hpp"

namespace syn::report {

struct CountHistogram {
  std::vector<std::uint64_t> of;  // how often each count 0..g was handed on

  std::uint64_t total() const;
  std::uint64_t non_zero() const { return total() - (of.empty() ? 0 : of[0]); }
  std::uint64_t sum() const;
  // Shannon's entropy of one count, in bits: no code that treats neurons alike and apart from each other can send them
  // in less on average. (One that knows each neuron's own rate, or its neighbours, could.)
  double entropy() const;
};

// Channels of a population whose counts are to be watched.
struct Watch {
  std::uint32_t population = 0, channel_begin = 0, channel_end = 0;
  bool operator==(const Watch&) const = default;
};
// What an edge carries, by its name: a population, or a slice such as "conv2[0:16]". Fails if the model has none.
Expected<Watch> watch_of(const snn::Model& model, std::string_view edge_population);

class Glass {
 public:
  static Expected<Glass> make(const snn::Model& model, std::vector<Watch> watches);

  struct Seen {
    std::uint64_t inferences = 0;
    std::vector<CountHistogram> watched;  // as the watches
    // By population: synapses (of non-zero weight) that its non-zero counts met, and that its single spikes would meet.
    // A count c is c spikes in `volley` code, as many as it has bits set in `phase` code.
    std::vector<std::uint64_t> synaptic_events, synaptic_spikes;
    Seen& operator+=(const Seen& other);
  };
  // Every population's counts of one inference, rows x neurons, channel-last, in model order (the readout: none).
  struct One {
    std::vector<std::vector<Count>> counts;
    std::vector<std::int32_t> potentials;
  };

  const std::vector<Watch>& watches() const { return watches_; }
  // `input` is one row for the model's first source. Thread-safe.
  One look(std::vector<Count> input) const;
  void add(const One& one, Seen& seen) const;

 private:
  Glass(snn::Engine engine, std::vector<Watch> watches);
  void add_synapses(const One& one, Seen& seen) const;
  snn::Engine engine_;
  std::vector<Watch> watches_;
  std::vector<std::size_t> output_of_;               // by population: index in Window::out, or none
  std::vector<std::vector<std::uint32_t>> fan_out_;  // by population and neuron
};

}  // namespace syn::report
