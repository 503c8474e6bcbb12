// The state of one conversion. Layer by layer: every population is a small model (what it reads, as sources of ready
// counts; and itself) on the integer engine. On entry of a layer the counts and the float activations of what it reads
// are there for all calibration images; on exit its own are, computed with its final integers, and those that nobody
// reads any more are gone. Private to conversion/: converter.cpp drives, spiking.cpp and readout.cpp fill in the
// layers.
#pragma once

#include <map>
#include <optional>

#include "conversion/activity.hpp"
#include "conversion/ann/executor.hpp"
#include "conversion/calibrate.hpp"
#include "conversion/convert.hpp"
#include "conversion/lowering.hpp"
#include "conversion/stage.hpp"
#include "conversion/synapses.hpp"

namespace syn {

class Converter {
 public:
  Converter(const data::Dataset& train, const ConvertOptions& options, const ConvertProgress& progress)
      : train_(train), options_(options), progress_(progress) {}

  Expected<Converted> run(const ann::Graph& original);

 private:
  // What is known of a population while others that read it are still to come.
  struct Held {
    Activity counts;
    std::vector<double> zero;  // per channel: the count that stands for 0; empty: 0
    std::size_t readers = 0;
  };
  // A value of the float network, for all images: [image][neuron].
  struct Floats {
    std::vector<float> values;
    std::size_t readers = 0;
  };
  // What a layer is while it is being made.
  struct Making {
    std::size_t index;
    const LoweredLayer& layer;
    snn::Population target;
    LayerReport report;
  };

  const ann::Graph& graph() const { return executor_->graph(); }
  bool counted() const { return options_.code != snn::Code::step; }
  std::uint32_t rows() const { return snn::rows_of(options_.code, options_.steps); }
  std::uint32_t levels() const { return snn::levels_of(options_.code, options_.steps); }
  Coding coding() const {
    const double steps = options_.steps;
    return counted() ? Coding{levels(), 1, 1} : Coding{options_.steps, steps, steps};
  }
  snn::Model& model() { return out_.model; }
  const std::vector<float>& floats_of(const Making& making) const { return floats_.at(making.layer.value).values; }
  Stage stage(const LoweredLayer& layer) const;

  Expected<> check() const;
  Expected<> open_source();
  Expected<> add_layer(std::size_t index);
  // The float network's activations of the layer, for all images.
  void run_floats(const LoweredLayer& layer);
  Expected<Synapses> synapses_of(const LoweredLayer& layer) const;
  Rounding rounding_of(const LoweredLayer& layer) const;
  void set_means(snn::Population& population, std::span<const std::uint64_t> sums,
                 std::span<const std::uint64_t> events) const;
  // The layer's own counts, and the population's means.
  Expected<> close(Making making, std::vector<snn::Projection> projections);
  void append(Making making, std::vector<snn::Projection> projections);

  // spiking.cpp
  Expected<> add_spiking(Making making, Synapses synapses);
  Expected<SumHistogram> collect(const Making& making, const Synapses& synapses) const;
  Expected<> choose_known(const Making& making, const Synapses& synapses, std::vector<ChannelChoice>& choices);
  Expected<> correct_by_simulation(const Making& making, const Synapses& synapses, std::vector<ChannelChoice>& choices,
                                   std::span<const std::uint8_t> dead) const;
  snn::IntegrateAndFire neurons_of(std::span<const ChannelChoice> choices, const Synapses& synapses) const;

  // readout.cpp
  Expected<> add_readout(Making making, Synapses synapses);

  const data::Dataset& train_;
  const ConvertOptions& options_;
  const ConvertProgress& progress_;
  std::optional<ann::Executor> executor_;
  Lowered lowered_;
  std::size_t images_ = 0;
  std::vector<Held> held_;                // by population
  std::map<std::string, Floats> floats_;  // by value of the graph
  bool exact_ = false;                    // every population so far has known ceilings
  Converted out_;
};

}  // namespace syn
