// A model over a data set, in this process: what `eval` prints, and what the mesh and the simulator are compared with.
#pragma once

#include "cli/terminal.hpp"
#include "conversion/ann/graph.hpp"
#include "conversion/data/dataset.hpp"
#include "report/evaluation.hpp"
#include "snn/engine.hpp"

namespace syn::cli {

// What the integer engine sees of image i: the model's own Source, in channel-last counts. Without explicit mean and
// std the pixels are taken as they are, since the model was converted with a normalisation that gives q = pixel.
Expected<std::vector<Count>> input_counts(const snn::Model& model, const data::Dataset& dataset, std::size_t i,
                                          const std::vector<float>& mean, const std::vector<float>& std);
// Refuses images whose shape the model does not take.
Expected<> check_input(const snn::Model& model, const data::Dataset& dataset);

struct Local {
  std::vector<report::Outcome> outcomes;
  report::Evaluation evaluation;
};
// A team shares each inference; then `threads` is 1.
Expected<Local> evaluate_spiking(const snn::Engine& engine, const data::Dataset& dataset,
                                 const std::vector<float>& mean, const std::vector<float>& std, std::uint32_t threads,
                                 Terminal& terminal, std::string_view title, Team* team = nullptr);
// The float reference: its figures, and the class it gives each image.
struct LocalFloat {
  std::vector<std::uint32_t> classes;
  report::Evaluation evaluation;
};
Expected<LocalFloat> evaluate_float(const ann::Graph& graph, const data::Dataset& dataset,
                                    const std::vector<float>& mean, const std::vector<float>& std,
                                    std::uint32_t threads, Terminal& terminal, std::string_view title);

}  // namespace syn::cli
