// Labelled recordings in N-MNIST's layout, FOLDER/Train/LABEL/NAME and FOLDER/Test/LABEL/NAME: the made set
// (made_set.hpp), N-MNIST itself, or recordings of one's own in any format that open.hpp reads. A label is a number.
// Two uses: one recording after the other, as streams (evaluation); all of them counted into frames (training).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "conversion/data/dataset.hpp"
#include "conversion/data/events/events.hpp"

namespace syn::data {

struct LabelledRecording {
  std::filesystem::path file;
  std::uint8_t label = 0;
};

inline constexpr std::string_view kEventsPrefix = "events:";  // what makes "events:FOLDER" of a folder

// The first `limit` of a split, or all; by file name, then label, so that a limit takes of every class. Other files and
// empty folders are passed over; a label that is no number, or no recording at all, is an error.
Expected<std::vector<LabelledRecording>> list_recordings(const std::filesystem::path& folder, Split split,
                                                         std::optional<std::size_t> limit = {});

// How a recording becomes frames: so many windows of so long from its first event on. What comes later is left out.
struct Framing {
  std::int64_t window_us = 25'000;
  std::uint64_t steps = 12;
  bool operator==(const Framing&) const = default;
};

// A split as a Dataset of `steps` frames each, a pixel the number of its events (at most 255). All recordings are of
// the sensor of the first. Refused before memory is taken: more than 64 GiB of frames. `progress` gets done and total.
Expected<Dataset> load_frames(const std::filesystem::path& folder, Split split, const Framing& framing,
                              std::optional<std::size_t> limit = {},
                              const std::function<void(std::size_t, std::size_t)>& progress = {});

}  // namespace syn::data
