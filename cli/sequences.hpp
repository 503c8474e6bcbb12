// Sequences on the command line: arrays of samples x steps x shape, one file for each of a network's ends.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "conversion/data/npy.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

// The file of each port, in the order of the ports: FILE where there is one, NAME=FILE else. Throws UsageError.
std::vector<std::string> files_of(const std::vector<std::string>& given, const std::vector<snn::real::Port>& ports,
                                  const char* option);

// " x 2 x 34 x 34"
std::string show(const snn::real::Shape& shape);

struct Sequences {
  std::vector<data::Array> arrays;  // one per file
  std::size_t samples = 0, steps = 0;
  // Sample s of array i: steps x neurons.
  std::span<const float> sample(std::size_t i, std::size_t s) const {
    const std::size_t size = arrays[i].values.size() / samples;
    return std::span(arrays[i].values).subspan(s * size, size);
  }
};
// Arrays of as many samples and steps, one for each shape; axes of one may be left out of it.
Expected<Sequences> read_sequences(const std::vector<std::string>& files, const std::vector<snn::real::Shape>& shapes);

}  // namespace syn::cli
