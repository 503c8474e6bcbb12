#include "nodes/placement_cost.hpp"

#include <algorithm>
#include <cmath>

namespace syn::nodes {
namespace {

// Pairs of source neuron and target neuron that a projection joins.
double pairs(const snn::Model& model, const snn::Projection& projection) {
  const auto& from = model.populations[projection.from].shape;
  const auto& to = model.populations[projection.to].shape;
  struct Count {
    const snn::Shape &from, &to;
    double operator()(const snn::Conv& c) const {
      return double(to.positions()) * c.kernel_height * c.kernel_width * from.channels * to.channels;
    }
    double operator()(const snn::Dense&) const { return double(from.neurons()) * to.neurons(); }
    double operator()(const snn::SumPool& p) const { return double(to.neurons()) * p.kernel_height * p.kernel_width; }
    double operator()(const snn::MaxPool& p) const { return double(to.neurons()) * p.kernel_height * p.kernel_width; }
  };
  return std::visit(Count{from, to}, projection.connection);
}

double weight_bytes(const snn::Connection& connection) {
  if (const auto* c = std::get_if<snn::Conv>(&connection)) return double(c->weights.size());
  if (const auto* d = std::get_if<snn::Dense>(&connection)) return double(d->weights.size());
  return 0;
}

// Non-zero counts an inference. A model that was never calibrated is taken to be half active.
double events_of(const snn::Population& p, std::uint32_t rows) {
  if (p.mean_events > 0) return p.mean_events;
  const bool source = std::holds_alternative<snn::Source>(p.kind);
  return 0.5 * p.shape.neurons() * (source ? 1 : rows);
}

}  // namespace

std::vector<PopulationCost> costs_of(const snn::Model& model) {
  std::vector<PopulationCost> costs(model.populations.size());
  for (std::size_t p = 0; p < costs.size(); ++p) {
    const auto& population = model.populations[p];
    if (std::holds_alternative<snn::Source>(population.kind)) continue;
    costs[p].updates = double(population.shape.neurons()) * model.rows();
    costs[p].resident_bytes = 8.0 * population.shape.neurons();
  }
  for (const auto& projection : model.projections) {
    const auto& from = model.populations[projection.from];
    costs[projection.to].synops += events_of(from, model.rows()) * pairs(model, projection) / from.shape.neurons();
    costs[projection.to].resident_bytes += weight_bytes(projection.connection);
  }
  return costs;
}

double wire_bytes_of(const snn::Population& population, double share, std::uint32_t rows, std::uint32_t windows) {
  if (std::holds_alternative<snn::Readout>(population.kind)) {
    return 4.0 * population.shape.neurons() + kFrameHeaderBytes + kWireOverheadBytes;
  }
  const bool source = std::holds_alternative<snn::Source>(population.kind);
  const double places = share * population.shape.neurons() * (source ? 1 : rows);
  const double events = share * events_of(population, rows);
  const double bits = std::ceil(std::log2(double(population.greatest) + 1));
  // The codec takes the smallest of these (core/messages.hpp, Encoding); gaps take about ten bits an event.
  const double packed = places * bits / 8;
  const double sparse = places / 8 + (population.greatest > 1 ? events * bits / 8 : 0);
  const double gaps = events * (10 + (population.greatest > 1 ? bits : 0)) / 8;
  return std::min({packed, sparse, gaps, 2 * places}) + (source ? 1 : windows) * (kFrameHeaderBytes + kWireOverheadBytes);
}

double compute_us(const PopulationCost& cost, double share, const DeviceProfile& device) {
  return share * (cost.synops / device.synops_per_us + cost.updates / device.updates_per_us);
}

double message_us(double messages, double bytes, const DeviceProfile& device) {
  return messages * device.message_us + bytes * device.byte_ns / 1000;
}

double link_us(double bytes, const DeviceProfile& device) { return bytes * 8 / device.link_mbit; }

}  // namespace syn::nodes
