#include "conversion/data/events/event_set.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <tuple>

#include "conversion/data/events/open.hpp"
#include "conversion/data/events/windows.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostRecordings = std::size_t{1} << 24;
constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 30;
constexpr std::uint64_t kMostSteps = 1 << 16;
constexpr const char* kLayout = "the layout is FOLDER/Train/0/NAME.bin and FOLDER/Test/0/NAME.bin";

std::optional<std::uint8_t> label_of(const std::string& name) {
  std::uint8_t label = 0;
  const auto [end, trouble] = std::from_chars(name.data(), name.data() + name.size(), label);
  if (trouble != std::errc{} || end != name.data() + name.size()) return {};
  return label;
}

// The paths in a folder, or why it cannot be read.
Expected<std::vector<fs::path>> inside(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code trouble;
  for (fs::directory_iterator at(folder, trouble), end; !trouble && at != end; at.increment(trouble)) {
    if (out.size() == kMostRecordings)
      return fail(text::cat("more than ", text::grouped(kMostRecordings), " files"), folder.string(), "split the set");
    out.push_back(at->path());
  }
  if (trouble) return fail("the folder cannot be read: " + trouble.message(), folder.string(), kLayout);
  return out;
}

}  // namespace

Expected<std::vector<LabelledRecording>> list_recordings(const fs::path& folder, Split split,
                                                         std::optional<std::size_t> limit) {
  const fs::path root = folder / (split == Split::train ? "Train" : "Test");
  const auto labels = inside(root);
  if (!labels) return fail(labels.error());
  std::vector<LabelledRecording> out;
  for (const fs::path& one : *labels) {
    std::error_code ignored;
    if (!fs::is_directory(one, ignored)) continue;
    const auto label = label_of(one.filename().string());
    if (!label) return fail("a label is a number from 0 to 255", one.string(), kLayout);
    const auto files = inside(one);
    if (!files) return fail(files.error());
    for (const fs::path& file : *files) {
      if (fs::is_regular_file(file, ignored)) out.push_back({file, *label});
    }
  }
  if (out.empty()) return fail("there is no recording", root.string(), kLayout);
  std::sort(out.begin(), out.end(), [](const LabelledRecording& a, const LabelledRecording& b) {
    return std::forward_as_tuple(a.file.filename(), a.label) < std::forward_as_tuple(b.file.filename(), b.label);
  });
  if (limit && *limit < out.size()) out.resize(*limit);
  return out;
}

Expected<Dataset> load_frames(const fs::path& folder, Split split, const Framing& framing,
                              std::optional<std::size_t> limit,
                              const std::function<void(std::size_t, std::size_t)>& progress) {
  if (framing.window_us < 1 || framing.steps < 1 || framing.steps > kMostSteps)
    return fail(text::cat(framing.steps, " windows of ", framing.window_us, " us"), "--window and --steps",
                text::cat("take 1 to ", kMostSteps, " windows of 1us or longer"));
  const auto files = list_recordings(folder, split, limit);
  if (!files) return fail(files.error());
  OpenOptions opening;
  {
    const auto first = open_events(files->front().file);
    if (!first) return fail(first.error());
    opening.sensor = (*first)->recording().sensor;
  }
  Dataset out{.name = "events",
              .shape = {opening.sensor->polarities, opening.sensor->height, opening.sensor->width},
              .count = files->size(),
              .classes = 0,
              .pixels = {},
              .labels = {},
              .steps = framing.steps};
  if (out.image_size() > kMostBytes / out.count)
    return fail(text::cat(files->size(), " recordings of ", framing.steps, " frames take more than 64 GiB"),
                folder.string(), "take fewer --steps or a --limit");
  out.pixels.reserve(out.count * out.image_size());
  EventWindow window;
  for (const LabelledRecording& one : *files) {
    const auto reader = open_events(one.file, opening);
    if (!reader) return fail(reader.error());
    if ((*reader)->recording().sensor != *opening.sensor)
      return fail("the recording is of another sensor than the first", one.file.string(), "keep one sensor to a set");
    auto windows =
        WindowReader::make(**reader, {.duration_us = framing.window_us, .start_us = {}, .exactly = framing.steps});
    if (!windows) return fail(windows.error());
    for (auto more = windows->next(window);; more = windows->next(window)) {
      if (!more) return fail(more.error());
      if (!*more) break;
      for (const Count count : window.counts)
        out.pixels.push_back(static_cast<std::uint8_t>(std::min<Count>(count, 255)));
    }
    out.labels.push_back(one.label);
    out.classes = std::max<std::size_t>(out.classes, one.label + std::size_t{1});
    if (progress) progress(out.labels.size(), out.count);
  }
  return out;
}

}  // namespace syn::data
