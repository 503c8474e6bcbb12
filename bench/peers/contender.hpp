// Who takes part: ONNX Runtime with float32, with int8, and Synfire's engine, each from an image's pixels to its class.
// Deliberately not here: the clock (race.hpp), files, conversion.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "bench/peers/onnxruntime.hpp"
#include "bench/peers/quantise.hpp"
#include "conversion/data/dataset.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::peers {

class Contender {
 public:
  virtual ~Contender() = default;
  virtual std::size_t batch() const = 0;  // images a call
  // The classes of `batch()` images from number `first` on. Nothing is allocated in the steady state, but by the
  // runtime itself.
  virtual Expected<> classify(const data::Dataset& images, std::size_t first, std::span<std::uint8_t> classes) = 0;
};

struct Dense {  // a network for ONNX Runtime
  ByteView onnx;
  bool bytes = false;
  std::size_t classes = 10;
  std::uint32_t threads = 1;
  std::size_t batch = 1;
};
Expected<std::unique_ptr<Contender>> make_onnxruntime(const Runtime& runtime, const Dense& network,
                                                      const data::Shape& shape, const Normalisation& normalisation);

struct Spikes {  // a network for Synfire's engine
  std::uint32_t threads = 1;
  std::size_t batch = 1;  // one image after the other; threads take a range of the images each, or share the one
  bool accounts = true;   // snn::Window's
};
Expected<std::unique_ptr<Contender>> make_synfire(const snn::Model& model, const Spikes& how,
                                                  const Normalisation& normalisation);

}  // namespace syn::peers
