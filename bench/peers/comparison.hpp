// One ONNX file compared: the peer's int8 form is made, Synfire's spiking forms are converted, all are judged on the
// same test images and timed in the same run.
// Deliberately not here: how it is printed (table.hpp), the command line (main.cpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/race.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::peers {

struct Spiking {
  snn::Code code = snn::Code::volley;
  std::uint32_t steps = 8;
  bool automatic = false;  // both are chosen: the cheapest within 0.5 points of the network, on training images
};

struct CompareOptions {
  std::vector<Spiking> spiking;
  Normalisation normalisation;
  std::size_t calibration_images = 1000;  // of the training split; for the peer's int8 ranges and for conversion alike
  std::uint64_t seed = 1;
  std::uint32_t preparing_threads = 1;
  RaceOptions race;
  std::size_t batch = 64;     // 0 or 1: no throughput is measured
  std::uint32_t threads = 2;  // everybody's second number of threads; 1: none
  bool accounts = true;       // snn::Window's
  std::string keep;           // folder for the networks that were made; empty: nowhere
};

struct Row {
  std::string engine;  // "onnxruntime float32", "synfire volley 8"
  std::uint32_t threads = 1;
  std::optional<double> accuracy;         // 0..1
  Laps latency;                           // batch 1, pixels to class; empty: not measured
  std::optional<double> per_second;       // at the larger batch
  std::optional<std::uint64_t> resident;  // what a process grows by for holding and running it, at its peak
  Error trouble;                          // why it takes no part; empty `what`: it does

  bool is_peer() const { return engine.starts_with("onnxruntime"); }
};

struct Comparison {
  std::string file, data;
  std::size_t images = 0;
  std::vector<Row> rows;
  double bystanders = 0;  // cores that others used while it was timed

  // The faster of the peer's rows with so many threads, or -1: by latency; by throughput.
  int reference(std::uint32_t threads = 1) const;
  int batch_reference(std::uint32_t threads = 1) const;
};

struct Splits {
  data::Dataset train, test;
};

Expected<Comparison> compare(const std::string& file, const Splits& data, const Runtime& runtime,
                             const CompareOptions& options);

}  // namespace syn::peers
