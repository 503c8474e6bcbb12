#include "conversion/trainer/architecture.hpp"

#include "core/text.hpp"

namespace syn::train {
namespace {

// Two 3x3 convolutions without padding take the last map from 7x7 to 3x3. They cost less than a pooling that would have
// to drop a border of an odd map, and leave a readout of 576 inputs.
const std::vector<Architecture> kArchitectures{
    {"student",
     "five small convolutions, average pooling: made to become spikes",
     {ConvBlock{16}, AveragePooling{}, ConvBlock{32}, ConvBlock{48}, AveragePooling{}, ConvBlock{64, 3, 0},
      ConvBlock{64, 3, 0}, Flattening{}, Readout{}}},
    {"teacher",
     "the student's shape at twice its width, with max pooling and dropout: made to be right",
     {ConvBlock{32}, MaxPooling{}, ConvBlock{64}, ConvBlock{96}, MaxPooling{}, Dropping{0.1}, ConvBlock{128, 3, 0},
      ConvBlock{128, 3, 0}, Dropping{0.3}, Flattening{}, Readout{}}},
    {"tiny",
     "one convolution: for tests and for a first look",
     {ConvBlock{8}, AveragePooling{4}, Flattening{}, Readout{}}},
    // Strides instead of pooling: three layers of neurons are all that a stream has to wake.
    {"events",
     "three strided convolutions of integrate-and-fire neurons: made to watch a stream of events",
     {ConvBlock{16, 5, 2, 2}, ConvBlock{32, 3, 1, 2}, ConvBlock{64, 3, 1, 2}, Flattening{}, Readout{}},
     true},
    {"events-tiny",
     "one convolution of integrate-and-fire neurons: for tests and for a first look",
     {ConvBlock{8, 5, 2, 4}, Flattening{}, Readout{}},
     true},
};

// Walks the chain. On entry `shape` is what flows into the layer, on exit what flows out.
struct Walk {
  data::Shape shape;
  std::int64_t classes;
  bool spiking;
  std::int64_t parameters = 0, macs = 0;
  bool flat = false, done = false;
  std::string trouble;

  void operator()(const ConvBlock& conv) {
    window(conv.kernel, 2 * conv.pad, conv.stride);
    const auto in = static_cast<std::int64_t>(shape.channels);
    shape.channels = static_cast<std::size_t>(conv.channels);
    const std::int64_t weights = conv.channels * in * conv.kernel * conv.kernel;
    parameters += weights + (spiking ? 0 : 2 * conv.channels);
    macs += weights * static_cast<std::int64_t>(shape.height * shape.width);
  }
  void operator()(const AveragePooling& pool) { window(pool.size, 0, pool.size); }
  void operator()(const MaxPooling& pool) { window(pool.size, 0, pool.size); }
  void operator()(const Dropping&) {}
  void operator()(const Flattening&) {
    shape = {shape.size(), 1, 1};
    flat = true;
  }
  void operator()(const Readout&) {
    if (!flat) trouble = "the readout must come after the flattening";
    const auto in = static_cast<std::int64_t>(shape.size());
    parameters += (spiking ? in : in + 1) * classes;
    macs += in * classes;
    shape = {static_cast<std::size_t>(classes), 1, 1};
    done = true;
  }
  void window(std::int64_t kernel, std::int64_t padding, std::int64_t stride) {
    if (flat) trouble = "a convolution or pooling must come before the flattening";
    for (std::size_t* side : {&shape.height, &shape.width}) {
      const std::int64_t reach = static_cast<std::int64_t>(*side) + padding - kernel;
      if (reach < 0) trouble = text::cat("a window of ", kernel, " does not fit a map of ", *side);
      *side = reach < 0 ? 0 : static_cast<std::size_t>(reach / stride + 1);
    }
  }
};

}  // namespace

std::span<const Architecture> architectures() {
  return kArchitectures;
}

Expected<Architecture> architecture(std::string_view name) {
  std::string known;
  for (const Architecture& candidate : kArchitectures) {
    if (candidate.name == name) return candidate;
    known += (known.empty() ? "" : ", ") + candidate.name;
  }
  return fail(text::cat("there is no architecture called '", name, "'"), "--arch", "use one of: " + known);
}

Expected<Flow> flow(const Architecture& architecture, data::Shape input, std::size_t classes) {
  Flow out;
  Walk walk{
      .shape = input, .classes = static_cast<std::int64_t>(classes), .spiking = architecture.spiking, .trouble = {}};
  for (const Layer& layer : architecture.layers) {
    if (walk.done) walk.trouble = "nothing may come after the readout";
    std::visit(walk, layer);
    if (!walk.trouble.empty()) {
      return fail(walk.trouble, text::cat("architecture '", architecture.name, "', layer ", out.outputs.size()),
                  text::cat("images of ", input.height, " x ", input.width, " need another architecture"));
    }
    out.outputs.push_back(walk.shape);
  }
  if (!walk.done)
    return fail("the chain has no readout", text::cat("architecture '", architecture.name, "'"), "end it with one");
  out.parameters = walk.parameters;
  out.macs = walk.macs;
  return out;
}

}  // namespace syn::train
