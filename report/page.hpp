// What a report says, as plain values, and the one function that makes the page of them. Whoever runs something fills
// in what it has; a section without data is not there. Deliberately not here: gathering the values (cli/reporting.cpp),
// drawing (plot.hpp, raster.hpp, boxes.hpp), markup (html.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/boxes.hpp"
#include "report/energy.hpp"
#include "report/evaluation.hpp"
#include "report/html.hpp"
#include "report/raster.hpp"

namespace syn::report {

// One way in which the model ran: a process, daemons, simulated machines.
struct Way {
  std::string where;  // "3 daemons on this machine"
  std::string clock;  // whose time latencies are: "wall clock", "virtual clock"
  Evaluation evaluation;
  std::optional<double> wire_bytes;  // per inference, everything included
};

struct Sweep {  // conversions of one network, each with its own calibration, judged on the same images
  struct Point {
    std::string code;
    std::uint32_t steps = 0;
    Evaluation evaluation;
  };
  std::uint64_t images = 0, calibration_images = 0;
  std::optional<Evaluation> network;  // on the same images
  std::vector<Point> points;
};

struct Sample {
  std::uint64_t index = 0;  // of the image in the data set
  std::uint32_t label = 0;
  Picture picture;
  Raster raster;
  std::vector<double> logits;
};

struct Layer {
  std::string name, kind;
  std::uint32_t neurons = 0;
  std::uint32_t greatest = 0;  // largest count in one row
  CountHistogram counts;       // of all its neurons and rows
  struct Conversion {          // as the converter measured it on calibration images, in network units
    double signal = 0, clipping = 0, rounding = 0, mean_error_before = 0, mean_error_after = 0;
    std::uint32_t dead = 0;
  };
  std::optional<Conversion> conversion;
};

struct EdgeBytes {  // per inference
  std::string from, to, population;
  double payload = 0, headers = 0;  // measured; a frame's header has 32 bytes
  std::optional<double> entropy;    // Shannon's bound of the counts that crossed; none for potentials
  double int8 = 0;
};

struct Machine {  // in a plan
  std::string name;
  std::vector<std::string> pieces;
  double predicted_us = 0;            // of compute, per inference
  std::optional<double> measured_us;  // likewise
  double memory = 0;                  // bytes, predicted
};

struct PlacementView {
  std::vector<Machine> machines;
  std::vector<EdgeBytes> edges;  // from and to are names of machines, or of the gateway
  std::string gateway;
  double raw_input = 0;  // bytes
  double predicted_latency_us = 0, predicted_throughput = 0, predicted_wire = 0;
  std::vector<std::string> notes;
};

struct Page {
  std::string model, data;  // names
  std::vector<Way> ways;    // the first is what the page is about
  std::optional<Evaluation> network;
  std::vector<Fact> facts;  // machine, command, version, hashes, seeds
  std::optional<Sweep> sweep;
  std::optional<Sample> sample;
  std::uint64_t watched = 0;  // images behind `layers`, `energy` and the edges' bounds
  std::vector<Layer> layers;
  std::vector<double> latencies_us;
  std::string latency_clock;
  std::optional<PlacementView> placement;
  std::optional<Energy> energy;
  std::optional<double> simulated_joule;  // per inference, of a simulation's device profiles
  std::vector<std::string> remarks;
};

// The whole file. Same page, same bytes.
std::string html(const Page& page);

}  // namespace syn::report
