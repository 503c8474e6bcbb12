#include "bench/kernels/wide.hpp"

#include <doctest/doctest.h>

#include "snn/engine.hpp"

namespace syn::bench {

TEST_CASE("the wide network is as large and as active as it says") {
  const auto engine = snn::Engine::make(wide_network());
  REQUIRE(engine.has_value());
  snn::State state;
  snn::Window window;
  window.in = {wide_image()};
  engine->run(state, window);
  double neurons = 0, macs = 0;
  for (const auto& p : engine->model().populations)
    if (std::holds_alternative<snn::IntegrateAndFire>(p.kind)) neurons += p.shape.neurons();
  for (const auto& p : engine->model().projections)
    if (const auto* conv = std::get_if<snn::Conv>(&p.connection))
      macs += 28.0 * 28 * static_cast<double>(conv->weights.size());
  CHECK(macs == doctest::Approx(521e6).epsilon(0.01));
  const double active = static_cast<double>(window.events) / neurons;
  CHECK(active > 0.3);
  CHECK(active < 0.5);
}

}  // namespace syn::bench
