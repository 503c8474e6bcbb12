#include "conversion/trainer/batches.hpp"

#include <algorithm>
#include <numeric>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

void shuffle(std::span<std::uint32_t> values, Random& random) {  // Fisher and Yates
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

// A rectangle of a fiftieth to a fifth of the image, sides between 1:2 and 2:1, in every channel at the same place.
void erase(data::Shape shape, const Scaling& scale, Random& random, std::span<float> image) {
  const std::size_t area = shape.height * shape.width;
  const std::size_t goal = std::max<std::size_t>(1, area / 50 + random.below(area / 5 - area / 50 + 1));
  std::size_t height = 1;
  while (height * height < goal) ++height;
  height = std::clamp<std::size_t>(height * (50 + random.below(101)) / 100, 1, shape.height);
  const std::size_t width = std::clamp<std::size_t>(goal / height, 1, shape.width);
  const std::size_t top = random.below(shape.height - height + 1), left = random.below(shape.width - width + 1);
  for (std::size_t c = 0; c < shape.channels; ++c) {
    for (std::size_t y = top; y < top + height; ++y) {
      for (std::size_t x = left; x < left + width; ++x) {
        image[(c * shape.height + y) * shape.width + x] = scale(static_cast<std::uint8_t>(random.below(256)));
      }
    }
  }
}

}  // namespace

Held hold_out(std::size_t count, std::size_t validation) {
  SYN_ASSERT(validation <= count, validation, count);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  SeededRandom random(hash64("validation"));
  shuffle(order, random);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(validation);
  return {.training = {middle, order.end()}, .validation = {order.begin(), middle}};
}

std::vector<std::uint32_t> shuffled(std::span<const std::uint32_t> indices, std::uint64_t seed, int epoch) {
  std::vector<std::uint32_t> order(indices.begin(), indices.end());
  SeededRandom random = SeededRandom(seed).split(text::cat("order ", epoch));
  shuffle(order, random);
  return order;
}

void augment(ByteView image, data::Shape shape, const Augmentation& how, const Scaling& scale, Random& random,
             std::span<float> out) {
  SYN_ASSERT(image.size() == shape.size() && out.size() == shape.size(), image.size(), out.size());
  const auto offset = [&] {
    return how.shift > 0
               ? static_cast<std::ptrdiff_t>(random.below(2 * static_cast<std::uint64_t>(how.shift) + 1)) - how.shift
               : 0;
  };
  const bool flip = how.flip && random.chance(0.5);
  const std::ptrdiff_t down = offset(), right = offset();
  const auto height = static_cast<std::ptrdiff_t>(shape.height), width = static_cast<std::ptrdiff_t>(shape.width);
  const float nothing = scale(0);
  auto to = out.begin();
  for (std::size_t c = 0; c < shape.channels; ++c) {
    const ByteView plane = image.subspan(c * shape.height * shape.width, shape.height * shape.width);
    for (std::ptrdiff_t y = 0; y < height; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        const std::ptrdiff_t from_y = y - down, moved = x - right, from_x = flip ? width - 1 - moved : moved;
        const bool inside = from_y >= 0 && from_y < height && moved >= 0 && moved < width;
        *to++ = inside ? scale(plane[static_cast<std::size_t>(from_y * width + from_x)]) : nothing;
      }
    }
  }
  if (how.erase > 0 && random.chance(how.erase)) erase(shape, scale, random, out);
}

}  // namespace syn::train
