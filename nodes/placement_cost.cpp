#include "nodes/placement_cost.hpp"

#include <algorithm>
#include <cmath>

namespace syn::nodes {
namespace {

// Non-zero counts an inference. A model that was never calibrated is taken to be half active.
double events_of(const snn::Population& p, std::uint32_t rows) {
  if (p.mean_events > 0) return p.mean_events;
  const bool source = std::holds_alternative<snn::Source>(p.kind);
  return 0.5 * p.shape.neurons() * (source ? 1 : rows);
}

}  // namespace

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
  return std::min({packed, sparse, gaps, 2 * places}) +
         (source ? 1 : windows) * (kFrameHeaderBytes + kWireOverheadBytes);
}

double compute_us(const snn::Cost& cost, double share, const DeviceProfile& device) {
  return share * (static_cast<double>(cost.work.synaptic_operations) / device.synops_per_us +
                  static_cast<double>(cost.work.neuron_updates) / device.updates_per_us);
}

double message_us(double messages, double bytes, const DeviceProfile& device) {
  return messages * device.message_us + bytes * device.byte_ns / 1000;
}

double link_us(double bytes, const DeviceProfile& device) {
  return bytes * 8 / device.link_mbit;
}

}  // namespace syn::nodes
