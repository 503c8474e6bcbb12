#include <doctest/doctest.h>

#include "snn/model.hpp"

namespace syn::snn {

TEST_CASE("populations are found by name and weights are counted over convolutions and dense synapses") {
  Model model;
  model.populations.resize(3);
  model.populations[0].name = "input";
  model.populations[1].name = "conv1";
  model.populations[2].name = "out";
  CHECK(find(model, "conv1") == 1);
  CHECK(find(model, "conv2") == -1);
  model.projections.push_back({0, 1, Conv{.weights = std::vector<std::int8_t>(18)}});
  model.projections.push_back({1, 2, Dense{.weights = std::vector<std::int8_t>(20)}});
  model.projections.push_back({1, 2, SumPool{}});
  CHECK(weight_count(model) == 38);
  CHECK(std::string(name_of(Code::step)) == "step");
  CHECK(std::string(name_of(Code::volley)) == "volley");
  CHECK(std::string(name_of(Code::phase)) == "phase");
}

}  // namespace syn::snn
