// Recordings and windows, written as they stream: the file appears under its name only when it is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "conversion/data/events/events.hpp"
#include "conversion/data/events/windows.hpp"

namespace syn::data {

// Called now and then with the fraction that is done, where that is known.
using Progress = std::function<void(double)>;

// "# sensor 34x34", a line of names, then t,x,y,p (t,channel for a sensor of one row and one polarity); read again by
// open_events to the same events.
Expected<> write_csv(EventReader& events, const std::filesystem::path& file, const Progress& progress = {});
// N x 4 of int64: t, x, y, p.
Expected<> write_event_array(EventReader& events, const std::filesystem::path& file, const Progress& progress = {});
// N-MNIST's format.
Expected<> write_bin(EventReader& events, const std::filesystem::path& file, const Progress& progress = {});

struct FrameFile {
  std::uint64_t windows = 0, saturated = 0;
};
// windows x polarities x height x width of float32, or with one more axis of length 1 in front (`sample`), which is how
// `synfire infer` takes a batch.
Expected<FrameFile> write_frames(EventReader& events, const WindowOptions& options, bool sample,
                                 const std::filesystem::path& file, const Progress& progress = {});

}  // namespace syn::data
