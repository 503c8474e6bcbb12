#include "conversion/data/events/made_set.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <system_error>

#include "conversion/data/events/nmnist.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& folder, Split split, std::size_t label) {
  return folder / (split == Split::train ? "Train" : "Test") / text::cat(label);
}
double mean(std::uint64_t sum, std::uint64_t count) {
  return count > 0 ? static_cast<double>(sum) / static_cast<double>(count) : 0;
}
double deviation(std::uint64_t squares, std::uint64_t sum, std::uint64_t count) {
  const double m = mean(sum, count);
  return std::sqrt(std::max(0.0, mean(squares, count) - m * m));
}

}  // namespace

void EventStatistics::add(const Events& made) {
  ++samples;
  events += made.size();
  fewest = std::min<std::uint64_t>(fewest, made.size());
  most = std::max<std::uint64_t>(most, made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::uint64_t x = made.x[i], y = made.y[i];
    on += made.polarity[i];
    sum_x += x;
    sum_y += y;
    sum_xx += x * x;
    sum_yy += y * y;
  }
}

void EventStatistics::add(const EventStatistics& other) {
  samples += other.samples;
  events += other.events;
  on += other.on;
  fewest = std::min(fewest, other.fewest);
  most = std::max(most, other.most);
  sum_x += other.sum_x;
  sum_y += other.sum_y;
  sum_xx += other.sum_xx;
  sum_yy += other.sum_yy;
}

double EventStatistics::mean_x() const {
  return mean(sum_x, events);
}
double EventStatistics::mean_y() const {
  return mean(sum_y, events);
}
double EventStatistics::deviation_x() const {
  return deviation(sum_xx, sum_x, events);
}
double EventStatistics::deviation_y() const {
  return deviation(sum_yy, sum_y, events);
}

Expected<> make_folders(const fs::path& folder, Split split, std::size_t classes) {
  for (std::size_t label = 0; label < classes; ++label) {
    std::error_code trouble;
    fs::create_directories(folder_of(folder, split, label), trouble);
    if (trouble) {
      return fail("the folder cannot be made: " + trouble.message(), folder_of(folder, split, label).string(),
                  "check the path and its permissions");
    }
  }
  return {};
}

Expected<> write_sample(const Dataset& images, std::size_t i, Split split, const fs::path& folder,
                        const SaccadeOptions& options, EventStatistics& statistics) {
  const auto height = static_cast<std::uint32_t>(images.shape.height);
  const auto width = static_cast<std::uint32_t>(images.shape.width);
  const Events events = make_saccades(images.image(i).first(images.shape.height * images.shape.width), height, width,
                                      split == Split::train ? 0 : 1, i, options);
  const auto bytes = write_nmnist(events);
  if (!bytes) return fail(bytes.error());
  std::string number = text::cat(i + 1);
  number.insert(0, number.size() < 5 ? 5 - number.size() : 0, '0');
  const fs::path file = folder_of(folder, split, images.labels[i]) / (number + ".bin");
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
  if (!out.flush()) return fail("the file could not be written whole", file.string(), "check the free space");
  statistics.add(events);
  return {};
}

}  // namespace syn::data
