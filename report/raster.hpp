// One inference, drawn: the image that came in, the spikes it caused, and what the readout made of them.
// Deliberately not here: running it (activity.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/activity.hpp"
#include "snn/model.hpp"

namespace syn::report {

struct Raster {
  struct Train {  // of one population
    std::string name;
    std::uint32_t neurons = 0;                     // of the population
    std::uint32_t window = 0;                      // which window of T steps it spikes in
    std::vector<std::vector<std::uint32_t>> rows;  // of each neuron shown: the steps in its window at which it spikes
    std::uint64_t spikes = 0;                      // of all its neurons, shown or not
  };
  std::string code;
  std::uint32_t steps = 1;
  std::uint32_t windows = 1;
  std::vector<Train> trains;
};

// Counts as trains, for the populations of neurons (pooling hands on sums, not spikes). `volley`: c spikes, evenly
// spread over T steps; `phase`: bit T-1-k in step k; both wait for their input's window, so a population spikes one
// window after the deepest that it reads. `step`: as it is. At most `most` neurons of each population, evenly taken,
// channel by channel.
Raster raster_of(const snn::Model& model, const Glass::One& one, std::uint32_t most);
std::string draw(const Raster& raster, const std::string& id, const std::string& title);

// Pixels, channel-first; one or three channels (of others the first). At most 64 x 64 are drawn: larger images are
// averaged over squares.
struct Picture {
  std::uint32_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};
std::string draw(const Picture& picture, const std::string& id, const std::string& title);

// Logits of the classes as bars to both sides of zero, the greatest marked, the label pointed at. At most twelve: the
// greatest ones, and the label.
std::string draw_answer(const std::vector<double>& logits, std::uint32_t label, const std::string& id,
                        const std::string& title);

}  // namespace syn::report
