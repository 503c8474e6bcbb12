// `--code auto`: converts with every candidate code and T, measures each on training images that calibrated nothing,
// and takes the cheapest that is good enough. The test set is never looked at. Deliberately not here: `step` code. With
// T steps it hands on the same sums as volley in T rows instead of one, so it costs at least as much and, by the order
// of arrival, says it less exactly.
#pragma once

#include "conversion/convert.hpp"

namespace syn {

struct CodeCandidate {
  snn::Code code;
  std::uint32_t steps;
};
// Ascending in levels: phase 2 to 8 and volley between them, where powers of two lie far apart.
std::vector<CodeCandidate> default_candidates();

struct ChooseOptions {
  ConvertOptions convert = {};  // but code and steps, which are chosen
  std::vector<CodeCandidate> candidates = default_candidates();
  std::uint32_t held_out_images = 2000;  // at most; drawn apart from the calibration images, by the same seed
  double points = 0.5;                   // of accuracy that may be lost against the float network on the same images
};

struct CodeTrial {
  CodeCandidate candidate;
  double accuracy = 0;    // on the held-out images
  double operations = 0;  // synaptic operations and neuron updates an inference (snn::costs)
  double events = 0;      // an inference, over all populations of neurons
  bool good_enough = false, chosen = false;
};
struct ChosenCode {
  Converted converted;
  std::vector<CodeTrial> trials;  // as the candidates
  double ann_accuracy = 0;
  std::uint32_t held_out_images = 0;
};

// If none is good enough, the most accurate is taken and a remark says so.
Expected<ChosenCode> choose_code(const ann::Graph& graph, const data::Dataset& train, const ChooseOptions& options,
                                 const ConvertProgress& progress = {});

// Share of `images` of `data` that get their label. Any number of threads gives the same.
Expected<double> float_accuracy(const ann::Graph& graph, const data::Dataset& data, std::span<const std::size_t> images,
                                const ConvertOptions& options);
Expected<double> spiking_accuracy(const snn::Model& model, const data::Dataset& data,
                                  std::span<const std::size_t> images, std::uint32_t threads);

}  // namespace syn
