#include "conversion/trainer/architecture.hpp"

#include <doctest/doctest.h>

#include "conversion/trainer/network.hpp"

using namespace syn;
using namespace syn::train;

TEST_CASE("parameters and multiply-adds are those counted by hand") {
  const Architecture small{"small", "", {ConvBlock{4}, AveragePooling{2}, ConvBlock{6, 3, 0}, Flattening{}, Readout{}}};
  const auto f = flow(small, {2, 9, 8}, 5);
  REQUIRE(f.has_value());
  CHECK(f->outputs[0] == data::Shape{4, 9, 8});
  CHECK(f->outputs[1] == data::Shape{4, 4, 4});  // the ninth row does not fill a window
  CHECK(f->outputs[2] == data::Shape{6, 2, 2});
  CHECK(f->outputs[3] == data::Shape{24, 1, 1});
  CHECK(f->outputs[4] == data::Shape{5, 1, 1});
  CHECK(f->parameters == (4 * 2 * 9 + 8) + (6 * 4 * 9 + 12) + (24 * 5 + 5));
  CHECK(f->macs == 4 * 2 * 9 * 72 + 6 * 4 * 9 * 4 + 24 * 5);
}

TEST_CASE("libtorch counts the same parameters, and makes the shapes that were foretold") {
  for (const Architecture& architecture : architectures()) {
    CAPTURE(architecture.name);
    const auto f = flow(architecture, {1, 28, 28}, 10);
    REQUIRE(f.has_value());
    Network network(architecture, {1, 28, 28}, 10);
    std::int64_t count = 0;
    for (const auto& parameter : network.parameters()) count += parameter.numel();
    CHECK(count == f->parameters);
    network.eval();
    CHECK(network.forward(torch::rand({3, 1, 28, 28})).sizes() == std::vector<std::int64_t>{3, 10});
  }
}

TEST_CASE("the student keeps its promise of at most 120,000 parameters and pools by averages only") {
  const auto student = architecture("student");
  REQUIRE(student.has_value());
  CHECK(flow(*student, {1, 28, 28}, 10)->parameters <= 120000);
  for (const Layer& layer : student->layers) CHECK_FALSE(std::holds_alternative<MaxPooling>(layer));
}

TEST_CASE("a chain that does not fit is refused with the layer's number") {
  const auto what = [](std::vector<Layer> layers, data::Shape shape) {
    const auto f = flow({"odd", "", std::move(layers)}, shape, 10);
    REQUIRE_FALSE(f.has_value());
    return f.error().what + " @ " + f.error().where;
  };
  const data::Shape image{1, 6, 6};
  CHECK(what({ConvBlock{4, 7, 0}, Flattening{}, Readout{}}, image) ==
        "a window of 7 does not fit a map of 6 @ architecture 'odd', layer 0");
  CHECK(what({ConvBlock{4}, Readout{}}, image) ==
        "the readout must come after the flattening @ architecture 'odd', layer 1");
  CHECK(what({Flattening{}, ConvBlock{4}, Readout{}}, image).starts_with("a convolution or pooling must come before"));
  CHECK(what({Flattening{}, Readout{}, Flattening{}}, image).starts_with("nothing may come after the readout"));
  CHECK(what({ConvBlock{4}}, image).starts_with("the chain has no readout"));
  const auto none = architecture("resnet");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().todo == "use one of: student, teacher, tiny, events, events-tiny");
}
