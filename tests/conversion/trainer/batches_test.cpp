#include "conversion/trainer/batches.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace syn;
using namespace syn::train;

namespace {

const Scaling kPlain{};

// Always the same answer, so that one choice at a time can be looked at.
class Fixed final : public Random {
 public:
  explicit Fixed(std::uint64_t value) : value_(value) {}
  std::uint64_t u64() override { return value_; }

 private:
  std::uint64_t value_;
};

std::vector<float> varied(ByteView image, data::Shape shape, const Augmentation& how, Random& random) {
  std::vector<float> out(shape.size());
  augment(image, shape, how, kPlain, random, out);
  return out;
}

}  // namespace

TEST_CASE("held-out images are never learnt from, none is lost, and no seed changes which they are") {
  const Held held = hold_out(1000, 200);
  CHECK(held.validation.size() == 200);
  std::set<std::uint32_t> all(held.training.begin(), held.training.end());
  CHECK(all.size() == 800);
  for (const std::uint32_t index : held.validation) CHECK(all.insert(index).second);
  CHECK(*all.rbegin() == 999);
  CHECK(hold_out(1000, 200).validation == held.validation);
  CHECK(std::vector(held.validation.begin(), held.validation.begin() + 100) == hold_out(1000, 100).validation);
}

TEST_CASE("every epoch has its own order, and the same one each time") {
  const std::vector<std::uint32_t> indices{5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  const auto first = shuffled(indices, 1, 0);
  CHECK(first == shuffled(indices, 1, 0));
  CHECK(first != shuffled(indices, 1, 1));
  CHECK(first != shuffled(indices, 2, 0));
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == indices);
}

TEST_CASE("without variation an image is its pixels over 255, and the scaling is applied") {
  const Bytes image{0, 51, 255, 102};
  SeededRandom random(1);
  CHECK(varied(image, {1, 2, 2}, {.shift = 0, .flip = false, .erase = 0}, random) ==
        std::vector<float>{0, 0.2f, 1, 0.4f});
  std::vector<float> out(4);
  augment(image, {1, 2, 2}, {.shift = 0, .flip = false}, {.mean = 0.5f, .deviation = 0.25f}, random, out);
  CHECK(out[0] == -2.0f);
  CHECK(out[2] == 2.0f);
}

TEST_CASE("a shift moves all channels alike and brings in nothing but 0; a flip mirrors each row") {
  const data::Shape shape{2, 2, 3};
  const Bytes image{255, 0, 0, 0, 0, 51, 51, 0, 0, 0, 0, 255};
  Fixed lowest(std::uint64_t{1} << 40);  // small, but not so small that `below` rejects it; mirrors (chance is below
                                         // 0.5), and moves by -shift: up and to the left
  CHECK(varied(image, shape, {.shift = 0, .flip = true}, lowest) ==
        std::vector<float>{0, 0, 1, 0.2f, 0, 0, 0, 0, 0.2f, 1, 0, 0});
  CHECK(varied(image, shape, {.shift = 1, .flip = false}, lowest) ==
        std::vector<float>{0, 0.2f, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  Fixed highest(~std::uint64_t{0});  // no mirror, down and to the right
  CHECK(varied(image, shape, {.shift = 1, .flip = true}, highest) ==
        std::vector<float>{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0.2f, 0});
}

TEST_CASE("over many draws every shift occurs and half of the images are mirrored") {
  Bytes image(49);
  image[3 * 7 + 3] = 255;
  SeededRandom random(5);
  std::set<std::ptrdiff_t> places;
  for (int i = 0; i < 400; ++i) {
    const auto out = varied(image, {1, 7, 7}, {.shift = 2, .flip = true}, random);
    places.insert(std::max_element(out.begin(), out.end()) - out.begin());
  }
  CHECK(places.size() == 25);
}

TEST_CASE(
    "erasing stays inside the image, changes one rectangle of at most a fifth or so, and only as often as asked") {
  const data::Shape shape{1, 28, 28};
  const Bytes image(shape.size(), 0);
  SeededRandom random(7);
  int erased = 0;
  for (int i = 0; i < 500; ++i) {
    const auto out = varied(image, shape, {.shift = 0, .flip = false, .erase = 0.25}, random);
    std::size_t top = 28, bottom = 0, left = 28, right = 0;
    for (std::size_t at = 0; at < out.size(); ++at) {
      if (out[at] == 0) continue;
      top = std::min(top, at / 28), bottom = std::max(bottom, at / 28);
      left = std::min(left, at % 28), right = std::max(right, at % 28);
    }
    if (top > bottom) continue;
    ++erased;
    CHECK((bottom - top + 1) * (right - left + 1) <= 28 * 28 / 5 + 28);
  }
  CHECK(erased > 90);
  CHECK(erased < 160);
}
