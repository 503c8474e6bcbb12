#include "bench/kernels/layers.hpp"

#include <doctest/doctest.h>

namespace syn::bench {

TEST_CASE("a layer's work is counted: events, operations, words, and what a dense kernel multiplies") {
  const auto& table = *snn::kernels::available().front();
  LayerTimer timer(main_layer(), {1, 1.0}, table);
  for (Timed* timed : timer.timed()) timed->run(1);
  const LayerLine line = timer.line();
  CHECK(line.events == 14 * 14 * 32);
  CHECK(line.macs == 14.0 * 14 * 9 * 32 * 64);
  // 40 of 42 kernel positions lie over the source, down and across; a few weights are 0.
  CHECK(line.synops <= 40.0 * 40 * 32 * 64);
  CHECK(line.synops > 0.99 * 40 * 40 * 32 * 64);
  CHECK(line.word_macs == doctest::Approx(40.0 * 40 * 32 * 64));
  CHECK(line.dense_macs == doctest::Approx(40.0 * 42 * 32 * 64));  // border columns are multiplied, border rows are not
}

TEST_CASE("few events are counted as words: of four counts in bytes, a single one is enough") {
  const auto& table = *snn::kernels::available().front();
  LayerTimer timer(main_layer(), {1, 0.01}, table);
  const LayerLine line = timer.line();
  CHECK(line.events > 40);
  CHECK(line.events < 90);
  const double words = line.word_macs / 64 / (line.narrow ? 4 : 2), operations = line.synops / 64;
  CHECK(words <= operations * 1.02);
  CHECK(words > operations * 0.9);
}

TEST_CASE("inputs name themselves") {
  CHECK(name_of(InputSpec{1, 0.001}) == "binary 0.1 %");
  CHECK(name_of(InputSpec{15, 0.3}) == "to 15 30 %");
}

}  // namespace syn::bench
