#include "snn/model_header.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "snn/container.hpp"
#include "snn/model.pb.h"

namespace syn::snn {
namespace {

constexpr int kMaxPopulations = 4096;
constexpr int kMaxProjections = 16384;
constexpr std::uint64_t kMaxDimension = 1 << 16;
constexpr std::uint64_t kMaxNeurons = 1 << 26;

template <class W>
void put_window(const W& from, proto::Window& to) {
  to.set_kernel_height(from.kernel_height);
  to.set_kernel_width(from.kernel_width);
  to.set_stride_y(from.stride_y);
  to.set_stride_x(from.stride_x);
  to.set_pad_top(from.pad_top);
  to.set_pad_left(from.pad_left);
  if constexpr (std::is_same_v<W, MaxPool>) {  // as files were before it could be dilated
    if (from.dilation_y == 1 && from.dilation_x == 1) return;
  }
  if constexpr (requires { from.dilation_y; }) {
    to.set_dilation_y(from.dilation_y);
    to.set_dilation_x(from.dilation_x);
  }
}

template <class W>
W get_window(const proto::Window& from) {
  W to;
  to.kernel_height = from.kernel_height();
  to.kernel_width = from.kernel_width();
  to.stride_y = from.stride_y();
  to.stride_x = from.stride_x();
  to.pad_top = from.pad_top();
  to.pad_left = from.pad_left();
  if constexpr (requires { to.dilation_y; }) {
    to.dilation_y = std::max(from.dilation_y(), 1u);
    to.dilation_x = std::max(from.dilation_x(), 1u);
  }
  return to;
}

void put_membrane(const Membrane& from, proto::Membrane& to) {
  to.set_reads_previous(from.reads_previous);
  to.set_fraction(from.fraction);
  to.set_potential_limit(from.potential_limit);
  to.set_current_limit(from.current_limit);
}
Membrane get_membrane(const proto::Membrane& from) {
  Membrane to;
  to.reads_previous = from.reads_previous();
  to.fraction = from.fraction();
  to.potential_limit = from.potential_limit();
  to.current_limit = from.current_limit();
  return to;
}

Expected<Population> population_of(const proto::Population& p, std::string_view where) {
  Population population;
  population.name = p.name();
  const auto wrong = [&](std::string what) {
    return broken(text::cat("population '", population.name, "': ", what), where);
  };
  population.shape = {p.shape().height(), p.shape().width(), p.shape().channels()};
  for (const std::uint64_t side : {population.shape.height, population.shape.width, population.shape.channels})
    if (side < 1 || side > kMaxDimension) return wrong(text::cat("a side of its shape is ", side));
  if (std::uint64_t{population.shape.height} * population.shape.width * population.shape.channels > kMaxNeurons)
    return wrong("its shape has too many neurons");
  if (p.code() > static_cast<std::uint32_t>(Code::phase)) return wrong(text::cat("unknown code ", p.code()));
  population.code = static_cast<Code>(p.code());
  population.greatest = p.greatest();
  population.mean_count = p.mean_count();
  population.mean_events = p.mean_events();
  if (!std::isfinite(population.mean_count) || !std::isfinite(population.mean_events))
    return wrong("a mean is not finite");
  population.channel_begin = p.channel_begin();
  population.channels_total = p.channels_total();
  switch (p.kind_case()) {
    case proto::Population::kSource:
      population.kind = Source{};
      break;
    case proto::Population::kPooled:
      population.kind = Pooled{};
      break;
    case proto::Population::kIntegrateAndFire: {
      IntegrateAndFire fire;
      fire.v_min = p.integrate_and_fire().v_min();
      fire.v_max = p.integrate_and_fire().v_max();
      population.kind = fire;
      break;
    }
    case proto::Population::kLeaky: {
      if (p.leaky().reset() > static_cast<std::uint32_t>(Reset::subtract))
        return wrong(text::cat("unknown reset ", p.leaky().reset()));
      Leaky leaky;
      leaky.membrane = get_membrane(p.leaky().membrane());
      leaky.rule = static_cast<Reset>(p.leaky().reset());
      leaky.adaptation_limit = p.leaky().adaptation_limit();
      leaky.refractory = p.leaky().refractory();
      population.kind = leaky;
      break;
    }
    case proto::Population::kReadout: {
      if (!std::isfinite(p.readout().scale())) return wrong("its scale is not finite");
      Readout readout;
      readout.scale = p.readout().scale();
      if (p.readout().has_membrane()) readout.membrane = get_membrane(p.readout().membrane());
      population.kind = readout;
      break;
    }
    case proto::Population::KIND_NOT_SET:
      return wrong("its kind is unknown to this program");
  }
  return population;
}

Expected<Projection> projection_of(const proto::Projection& p, std::size_t populations, std::string_view where) {
  if (p.from() >= populations || p.to() >= populations)
    return broken("a projection joins populations that are not there", where);
  Projection projection{p.from(), p.to(), {}, p.delay()};
  const proto::Window* window = nullptr;
  switch (p.connection_case()) {
    case proto::Projection::kConv:
      projection.connection = get_window<Conv>(*(window = &p.conv()));
      break;
    case proto::Projection::kSumPool:
      projection.connection = get_window<SumPool>(*(window = &p.sum_pool()));
      break;
    case proto::Projection::kMaxPool:
      projection.connection = get_window<MaxPool>(*(window = &p.max_pool()));
      break;
    case proto::Projection::kDense:
      projection.connection = Dense{};
      break;
    case proto::Projection::kDepthwise: {
      auto depthwise = get_window<Depthwise>(*(window = &p.depthwise().window()));
      depthwise.shift = p.depthwise().shift();
      projection.connection = depthwise;
      break;
    }
    case proto::Projection::kOneToOne:
      projection.connection = OneToOne{.shift = p.one_to_one().shift(), .multiplier = {}};
      break;
    case proto::Projection::CONNECTION_NOT_SET:
      return broken("a projection's kind is unknown to this program", where);
  }
  if (const auto shift = shift_of(projection.connection).value_or(0);
      shift > static_cast<int>(kMaxDimension) || shift < -static_cast<int>(kMaxDimension))
    return broken(text::cat("a shift of ", shift, " channels"), where);
  if (window && (window->kernel_height() > kMaxDimension || window->kernel_width() > kMaxDimension ||
                 std::uint64_t{window->kernel_height()} * window->kernel_width() > kMaxDimension))
    return broken("a kernel is too large", where);  // keeps the product of shapes below 2^48
  return projection;
}

}  // namespace

void put_structure(const Model& model, proto::Model& header) {
  header.set_name(model.name);
  if (std::ranges::any_of(model.populations, [](const Population& p) { return membrane_of(p) != nullptr; }))
    header.add_required_features(std::string(kLeakyFeature));
  if (std::ranges::any_of(model.projections, [](const Projection& p) { return p.delay > 0; }))
    header.add_required_features(std::string(kDelayFeature));
  header.set_code(static_cast<std::uint32_t>(model.code));
  header.set_steps(model.steps);
  for (const Population& population : model.populations) {
    proto::Population& p = *header.add_populations();
    p.set_name(population.name);
    p.mutable_shape()->set_height(population.shape.height);
    p.mutable_shape()->set_width(population.shape.width);
    p.mutable_shape()->set_channels(population.shape.channels);
    p.set_code(static_cast<std::uint32_t>(population.code));
    p.set_greatest(population.greatest);
    p.set_mean_count(population.mean_count);
    p.set_mean_events(population.mean_events);
    p.set_channel_begin(population.channel_begin);
    p.set_channels_total(population.channels_total);
    if (std::holds_alternative<Source>(population.kind)) {
      p.mutable_source();
    } else if (const auto* fire = std::get_if<IntegrateAndFire>(&population.kind)) {
      p.mutable_integrate_and_fire()->set_v_min(fire->v_min);
      p.mutable_integrate_and_fire()->set_v_max(fire->v_max);
    } else if (const auto* readout = std::get_if<Readout>(&population.kind)) {
      p.mutable_readout()->set_scale(readout->scale);
      if (readout->membrane) put_membrane(*readout->membrane, *p.mutable_readout()->mutable_membrane());
    } else if (const auto* leaky = std::get_if<Leaky>(&population.kind)) {
      put_membrane(leaky->membrane, *p.mutable_leaky()->mutable_membrane());
      p.mutable_leaky()->set_reset(static_cast<std::uint32_t>(leaky->rule));
      p.mutable_leaky()->set_adaptation_limit(leaky->adaptation_limit);
      p.mutable_leaky()->set_refractory(leaky->refractory);
    } else {
      p.mutable_pooled();
    }
  }
  for (const Projection& projection : model.projections) {
    proto::Projection& p = *header.add_projections();
    p.set_from(projection.from);
    p.set_to(projection.to);
    p.set_delay(projection.delay);
    if (const auto* conv = std::get_if<Conv>(&projection.connection)) {
      put_window(*conv, *p.mutable_conv());
    } else if (const auto* sum = std::get_if<SumPool>(&projection.connection)) {
      put_window(*sum, *p.mutable_sum_pool());
    } else if (const auto* max = std::get_if<MaxPool>(&projection.connection)) {
      put_window(*max, *p.mutable_max_pool());
    } else if (const auto* depthwise = std::get_if<Depthwise>(&projection.connection)) {
      put_window(*depthwise, *p.mutable_depthwise()->mutable_window());
      p.mutable_depthwise()->set_shift(depthwise->shift);
    } else if (const auto* one = std::get_if<OneToOne>(&projection.connection)) {
      p.mutable_one_to_one()->set_shift(one->shift);
    } else {
      p.mutable_dense();
    }
  }
  for (const std::string& output : model.outputs) header.add_outputs(output);
  for (const auto& [key, value] : model.notes) {
    header.add_notes()->set_key(key);
    header.mutable_notes(header.notes_size() - 1)->set_value(value);
  }
}

std::unexpected<Error> broken(std::string what, std::string_view where) {
  return fail(std::move(what), std::string(where), "convert the model again, or fetch the file again");
}

Expected<Model> structure_of(const proto::Model& header, std::string_view where) {
  if (header.populations_size() > kMaxPopulations || header.projections_size() > kMaxProjections ||
      header.outputs_size() > kMaxPopulations)
    return broken("too many populations, projections or outputs", where);
  if (header.code() > static_cast<std::uint32_t>(Code::phase))
    return broken(text::cat("unknown code ", header.code()), where);

  Model model;
  model.name = header.name();
  model.code = static_cast<Code>(header.code());
  model.steps = header.steps();
  for (const auto& p : header.populations()) {
    auto population = population_of(p, where);
    if (!population) return fail(population.error());
    model.populations.push_back(std::move(*population));
  }
  for (const auto& p : header.projections()) {
    auto projection = projection_of(p, model.populations.size(), where);
    if (!projection) return fail(projection.error());
    model.projections.push_back(std::move(*projection));
  }
  for (const auto& output : header.outputs()) model.outputs.push_back(output);
  for (const auto& note : header.notes()) model.notes.emplace_back(note.key(), note.value());

  return model;
}

}  // namespace syn::snn
