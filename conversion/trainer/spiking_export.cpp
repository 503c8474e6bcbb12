#include "conversion/trainer/spiking_export.hpp"

#include "conversion/nir/dialect.hpp"
#include "conversion/trainer/neurons.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

namespace real = snn::real;

std::vector<float> values(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().to(torch::kFloat32).contiguous();  // out of channels-last memory
  const auto* data = plain.data_ptr<float>();
  return {data, data + plain.numel()};
}

std::array<std::uint32_t, 2> both(std::int64_t side) {
  return {static_cast<std::uint32_t>(side), static_cast<std::uint32_t>(side)};
}

struct Export {
  const Network& network;
  real::Model& model;
  data::Shape shape;  // what flows out of the layer at hand
  std::size_t conv = 0;
  int pools = 0;

  void operator()(const ConvBlock& block) {
    const auto& convolution = *network.convolutions()[conv];
    real::Firing firing{
        .threshold = {kThreshold}, .comparison = real::Comparison::greater, .reset = real::Reset::subtract};
    join(real::Conv{.kernel = both(block.kernel),
                    .stride = both(block.stride),
                    .pad_begin = both(block.pad),
                    .pad_end = both(block.pad),
                    .weights = values(convolution.weight),
                    .bias = {}},
         text::cat("if", ++conv), real::If{.gain = {1}, .firing = firing});
  }
  void operator()(const AveragePooling& pool) {
    join(real::Pool{.kernel = both(pool.size), .stride = both(pool.size), .average = 1}, text::cat("pool", ++pools),
         real::Relay{});
  }
  void operator()(const MaxPooling&) { SYN_ASSERT(false, "no spiking architecture has it"); }
  void operator()(const Dropping&) {}
  void operator()(const Flattening&) {}  // a dense projection reads whatever shape as a row
  void operator()(const Readout&) {
    join(real::Dense{.weights = values(network.readout()->weight), .bias = {}}, "readout",
         real::Integrator{.gain = {1}});
  }

  void join(real::Connection connection, std::string name, real::Neurons neurons) {
    const auto from = static_cast<std::uint32_t>(model.populations.size() - 1);
    model.populations.push_back({std::move(name), sides(), std::move(neurons)});
    model.projections.push_back({.from = from, .to = from + 1, .delay = 0, .connection = std::move(connection)});
  }
  real::Shape sides() const {
    const auto side = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
    if (shape.height == 1 && shape.width == 1) return {side(shape.channels)};
    return {side(shape.channels), side(shape.height), side(shape.width)};
  }
};

}  // namespace

real::Model to_model(const Network& network, const std::string& name, const data::Framing& framing) {
  SYN_ASSERT(network.architecture().spiking, network.architecture().name);
  const auto shapes = flow(network.architecture(), network.input(), network.classes());
  SYN_ASSERT(shapes.has_value(), network.architecture().name);
  const auto& rules = nir::rules_of(nir::Dialect::snntorch);
  real::Model model{
      .name = name,
      .dt = static_cast<double>(framing.window_us) / 1e6,
      .populations = {},
      .projections = {},
      .inputs = {{"events", 0}},
      .outputs = {},
      .notes = {
          {"from", "synfire-trainer"}, {"dialect", std::string(rules.name)}, {"rules", std::string(rules.sentence)}}};
  Export step{.network = network, .model = model, .shape = network.input()};
  model.populations.push_back({"events", step.sides(), real::Input{}});
  for (std::size_t i = 0; i < shapes->outputs.size(); ++i) {
    step.shape = shapes->outputs[i];
    std::visit(step, network.architecture().layers[i]);
  }
  model.outputs.push_back({"potentials", static_cast<std::uint32_t>(model.populations.size() - 1)});
  if (const auto good = real::check(model); !good) SYN_ASSERT(false, good.error().what, good.error().where);
  return model;
}

}  // namespace syn::train
