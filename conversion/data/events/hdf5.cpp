// Sets of recordings in HDF5, one sample at a time.
//   SHD, SSC (Cramer et al. 2020)   spikes/times: seconds, spikes/units: channels, a sequence a sample; labels
//   NIRData                         nodes/NODE/observables/OBSERVABLE with idx and time (seconds), samples x events;
//   idx -1
//                                   is none. Nested graphs have nodes of their own.
// The sensor is as many channels as the whole set has, so that all samples of one file agree. The file is read whole
// (an SHD set takes its own size in memory), its numbers only as they are handed on.
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "conversion/data/events/formats.hpp"
#include "conversion/hdf5/tree.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

constexpr std::string_view kMagic = "\x89HDF\r\n\x1a\n";
constexpr std::size_t kGreatestFile = std::size_t{4} << 30;
constexpr const char* kAgain = "the file is damaged: fetch it again";

template <class T>
const T* child(const hdf5::Group& group, const std::string& name) {
  const auto at = group.find(name);
  return at == group.end() ? nullptr : std::get_if<T>(&at->second.value);
}

// One sample's spikes, by index; what is none of a spike is skipped.
struct Train {
  std::size_t count = 0;
  // Seconds and channel of spike k; absent where there is none.
  std::function<std::optional<std::pair<double, double>>(std::size_t)> at;
};

class Spikes final : public EventReader {
 public:
  Spikes(hdf5::Group tree, Recording recording, Train train, std::string where)
      : tree_(std::move(tree)), recording_(std::move(recording)), train_(std::move(train)), where_(std::move(where)) {}
  const Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    chunk.clear();
    for (; next_ < train_.count && chunk.size() < kChunkEvents; ++next_) {
      const auto spike = train_.at(next_);
      if (!spike) continue;
      const auto [seconds, channel] = *spike;
      if (!(std::abs(seconds) < 9e9) || !(channel >= 0) || channel >= kGreatestSensorSide ||
          channel != std::floor(channel)) {
        return fail(text::cat("spike ", next_, " of the sample has the time ", seconds, " s and the channel ", channel),
                    where_, kAgain);
      }
      chunk.push(std::llround(seconds * 1e6), static_cast<std::uint16_t>(channel), 0, 0);
    }
    return !chunk.empty();
  }

 private:
  hdf5::Group tree_;  // what the train reads from
  Recording recording_;
  Train train_;
  std::string where_;
  std::size_t next_ = 0;
};

Recording channels(const char* format, double greatest) {
  const double bounded = std::clamp(greatest, 0.0, static_cast<double>(kGreatestSensorSide - 1));
  return {.format = format,
          .sensor = {.width = static_cast<std::uint32_t>(bounded) + 1, .height = 1, .polarities = 1},
          .sensor_stated = true};
}

Expected<> has_sample(std::size_t sample, std::size_t samples, const std::string& where) {
  if (sample < samples) return {};
  return fail(text::cat("sample ", sample, " of ", samples, " is asked for"), where, "count from 0: --sample-index");
}

Made make_shd(hdf5::Group tree, const OpenOptions& options, const std::string& where) {
  const auto& spikes = *child<hdf5::Group>(tree, "spikes");
  const auto* times = child<hdf5::Sequences>(spikes, "times");
  const auto* units = child<hdf5::Sequences>(spikes, "units");
  if (!times || !units || times->shape.size() != 1 || units->shape != times->shape) {
    return fail("spikes/times and spikes/units are not as many sequences of numbers", where, kAgain);
  }
  const std::size_t sample = options.sample;
  if (auto there = has_sample(sample, times->values.size(), where); !there) return fail(there.error());
  if (times->length(sample) != units->length(sample)) {
    return fail(
        text::cat("sample ", sample, " has ", times->length(sample), " times and ", units->length(sample), " units"),
        where, kAgain);
  }
  double greatest = 0;
  for (std::size_t i = 0; i < units->values.size(); ++i) {
    for (std::size_t k = 0; k < units->length(i); ++k) greatest = std::max(greatest, units->number(i, k));
  }
  Recording recording = channels("HDF5 spikes", greatest);
  recording.notes.emplace_back("samples", text::cat(times->values.size()));
  if (const auto* labels = child<hdf5::Numbers>(tree, "labels"); labels && sample < labels->values.size()) {
    recording.notes.emplace_back("label", text::cat(labels->values[sample]));
  }
  Train train{times->length(sample), [times, units, sample](std::size_t k) {
                return std::optional(std::pair(times->number(sample, k), units->number(sample, k)));
              }};
  return std::make_unique<Spikes>(std::move(tree), std::move(recording), std::move(train), where);
}

struct Found {
  std::string name;
  const hdf5::Numbers *idx = nullptr, *time = nullptr;
};

// Every observable with idx and time, in order of name.
void find_events(const hdf5::Group& graph, const std::string& path, std::vector<Found>& out) {
  const auto* nodes = child<hdf5::Group>(graph, "nodes");
  if (!nodes) return;
  for (const auto& [name, item] : *nodes) {
    const auto* node = std::get_if<hdf5::Group>(&item.value);
    if (!node) continue;
    find_events(*node, path + name + "/", out);
    const auto* observables = child<hdf5::Group>(*node, "observables");
    if (!observables) continue;
    for (const auto& [observable, inside] : *observables) {
      const auto* group = std::get_if<hdf5::Group>(&inside.value);
      if (!group) continue;
      Found found{path + name + "/" + observable, child<hdf5::Numbers>(*group, "idx"),
                  child<hdf5::Numbers>(*group, "time")};
      if (found.idx && found.time) out.push_back(std::move(found));
    }
  }
}

Made make_nirdata(hdf5::Group tree, const OpenOptions& options, const std::string& where) {
  std::vector<Found> all;
  find_events(tree, "", all);
  std::string names;
  for (const Found& found : all) names += (names.empty() ? "" : ", ") + found.name;
  const auto chosen = std::find_if(all.begin(), all.end(),
                                   [&](const Found& f) { return options.node.empty() || f.name == options.node; });
  if (chosen == all.end()) {
    return fail(all.empty() ? "no observable of the graph holds events (time-gridded data is not read)"
                            : text::cat("there is no '", options.node, "' among its events"),
                where, all.empty() ? "record spikes as EventData" : "--node, one of: " + names);
  }
  const hdf5::Numbers &idx = *chosen->idx, &time = *chosen->time;
  if (idx.shape.size() != 2 || idx.shape != time.shape) {
    return fail(text::cat("idx and time of '", chosen->name, "' are not of one shape, samples x events"), where,
                kAgain);
  }
  if (auto there = has_sample(options.sample, idx.shape[0], where); !there) return fail(there.error());
  double greatest = 0;
  for (const double value : idx.values) greatest = std::max(greatest, value);
  Recording recording = channels("NIRData", greatest);
  recording.notes.emplace_back("events of", chosen->name);
  if (all.size() > 1) recording.notes.emplace_back("also there", names);
  recording.notes.emplace_back("samples", text::cat(idx.shape[0]));
  const std::size_t count = idx.shape[1], first = options.sample * count;
  Train train{count, [&idx, &time, first](std::size_t k) -> std::optional<std::pair<double, double>> {
                if (idx.values[first + k] == -1) return {};
                return std::pair(time.values[first + k], idx.values[first + k]);
              }};
  return std::make_unique<Spikes>(std::move(tree), std::move(recording), std::move(train), where);
}

}  // namespace

bool is_hdf5(ByteView start) {
  return as_text(start).starts_with(kMagic);
}

Made make_hdf5(ByteSource& source, const OpenOptions& options) {
  if (source.size().value_or(0) > kGreatestFile)
    return fail("the file is larger than 4 GiB", source.name(), "split it");
  const auto bytes = source.peek(kGreatestFile);
  if (!bytes) return fail(bytes.error());
  auto tree = hdf5::read(*bytes, source.name());
  if (!tree) return fail(tree.error());
  if (child<hdf5::Group>(*tree, "spikes")) return make_shd(std::move(*tree), options, source.name());
  if (child<hdf5::Group>(*tree, "nodes")) return make_nirdata(std::move(*tree), options, source.name());
  return fail("an HDF5 file without spikes/times and spikes/units (SHD) or nodes (NIRData)", source.name(),
              "convert it to one of these, or to CSV");
}

}  // namespace syn::data::formats
