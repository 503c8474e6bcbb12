// The made event set on disk: every MNIST image seen through three saccades (saccades.hpp), laid out as N-MNIST is:
//   FOLDER/Train/LABEL/00001.bin ... 60000.bin and FOLDER/Test/LABEL/00001.bin ... 10000.bin, numbered as the images
//   are
// One sample at a time, so that the caller decides about threads and progress; samples do not depend on each other.
#pragma once

#include <cstdint>
#include <filesystem>

#include "conversion/data/dataset.hpp"
#include "conversion/data/events/saccades.hpp"

namespace syn::data {

// What was made, as sums of whole numbers: any order of samples gives the same.
struct EventStatistics {
  std::uint64_t samples = 0, events = 0, on = 0, fewest = ~std::uint64_t{0}, most = 0;
  std::uint64_t sum_x = 0, sum_y = 0, sum_xx = 0, sum_yy = 0;
  void add(const Events& events);
  void add(const EventStatistics& other);
  double mean_x() const;
  double mean_y() const;
  double deviation_x() const;
  double deviation_y() const;
};

// Makes the folders of a split.
Expected<> make_folders(const std::filesystem::path& folder, Split split, std::size_t classes);
// Image i of the split; its events are counted into `statistics`.
Expected<> write_sample(const Dataset& images, std::size_t i, Split split, const std::filesystem::path& folder,
                        const SaccadeOptions& options, EventStatistics& statistics);

}  // namespace syn::data
