// In the steady state the engine takes no memory.
#include <doctest/doctest.h>

#include "allocations.hpp"
#include "random_models.hpp"
#include "snn/engine.hpp"

namespace syn::snn {

TEST_CASE("an inference takes no memory once one like it has run, in any code and instruction set") {
  SeededRandom random(21);
  for (const Code code : {Code::step, Code::volley, Code::phase}) {
    for (int round = 0; round < 10; ++round) {
      const Model model = testing::random_model(random, {.code = code, .steps = 4});
      CAPTURE(round);
      for (const std::string_view kernels : Engine::kernel_names()) {
        CAPTURE(std::string(kernels));
        const auto engine = Engine::make(model, kernels);
        REQUIRE(engine);
        Window window;
        window.rows = model.rows();
        for (const Population& p : model.populations)
          if (std::holds_alternative<Source>(p.kind)) window.in.emplace_back(p.shape.neurons(), Count{1});
        State state;
        engine->run(state, window);
        const auto potentials = window.potentials;
        state.next_row = 0;
        const std::uint64_t before = testing::allocations();
        engine->run(state, window);
        CHECK(testing::allocations() == before);
        CHECK(window.potentials == potentials);
      }
    }
  }
}

}  // namespace syn::snn
