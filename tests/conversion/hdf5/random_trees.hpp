// Random groups and arrays of small size, with the shapes that go wrong: none, one, many.
#pragma once

#include <cmath>

#include "conversion/hdf5/tree.hpp"
#include "core/random.hpp"
#include "core/text.hpp"

namespace syn::testing {

inline hdf5::Item random_array(Random& random) {
  std::vector<std::size_t> shape(random.below(4));
  std::size_t count = 1;
  for (auto& dim : shape) count *= dim = random.chance(0.1) ? 0 : 1 + random.below(7);
  if (random.chance(0.3)) {
    hdf5::Texts texts{.shape = shape, .values = {}};
    for (std::size_t i = 0; i < count; ++i) {
      std::string text(random.chance(0.05) ? 5000 : random.below(20), 'a');
      for (char& c : text) c = static_cast<char>('!' + random.below(90));
      if (random.chance(0.2)) text += "\xc3\xa9";
      texts.values.push_back(std::move(text));
    }
    return {std::move(texts)};
  }
  hdf5::Numbers numbers{
      .shape = shape, .element = hdf5::Element{static_cast<std::uint8_t>(random.below(3))}, .values = {}};
  for (std::size_t i = 0; i < count; ++i)  // exact in float16 and int8, too
    numbers.values.push_back(static_cast<double>(random.below(200)) - 100);
  return {std::move(numbers)};
}

inline hdf5::Group random_tree(Random& random, int depth = 0) {
  hdf5::Group out;
  const std::uint64_t many[] = {0, 1, 3, 8, 9, 17, 40};
  const std::uint64_t count = many[random.below(depth == 0 ? 7 : 4)];
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = text::cat(random.chance(0.5) ? "lif." : "", i, random.chance(0.1) ? " \xc3\xa9" : "");
    out[name] = depth < 3 && random.chance(0.2) ? hdf5::Item{random_tree(random, depth + 1)} : random_array(random);
  }
  return out;
}

}  // namespace syn::testing
