// Recordings by file. The format is told by the content, never by the name. What comes out keeps three promises
// whatever the file holds: times never run backwards, every event lies on the sensor, and memory is bounded.
//   AEDAT 2 (jAER)          DVS128 and DAVIS address layouts; the chip stands in the header, or OpenOptions::chip
//   AEDAT 4 (DV)            plain, LZ4, ZSTD; the first stream of events
//   N-MNIST, N-Caltech101   five bytes an event; no magic, so recognised by being plausible throughout its first events
//   Prophesee DAT           versions 1 and 2
//   Prophesee RAW           EVT 2.0, EVT 3.0
//   HDF5                    SHD and SSC (spikes/times, spikes/units, labels), NIRData (idx and time); read whole
//   CSV                     t,x,y,p or as the first line names the columns; t,channel
// Deliberately not here: AEDAT 1 and 3, EVT 2.1 and 4, frames, IMU samples and triggers of the same files (skipped),
// cameras themselves (a pipe is read like a file, if the sensor is known).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "conversion/data/events/events.hpp"
#include "core/types.hpp"

namespace syn::data {

// Time that runs backwards. `sort` and `clamp` mend what is at most `bound_us` late, and refuse the rest.
enum class TimeOrder { refuse, sort, clamp };
enum class OutsideSensor { refuse, drop };
enum class TimeUnit { by_look, s, ms, us, ns };

struct OpenOptions {
  TimeOrder order = TimeOrder::refuse;
  std::int64_t bound_us = 10'000;
  OutsideSensor outside = OutsideSensor::refuse;
  // In place of what the file says, or of a first pass over all events when it says nothing.
  std::optional<Sensor> sensor;
  std::string format;                      // "": by content; else a name of format_names()
  std::string chip;                        // AEDAT 2 whose header names no chip: "dvs128", "davis240", "davis346", ...
  std::string columns;                     // CSV: "t,x,y,p"; "": by the first lines
  std::size_t sample = 0;                  // HDF5: which recording of the set
  std::string node;                        // NIRData: "NODE/OBSERVABLE"; "": the first that holds events
  TimeUnit time_unit = TimeUnit::by_look;  // CSV: with a decimal point seconds, else microseconds
};

Expected<std::unique_ptr<EventReader>> open_events(const std::filesystem::path& file, const OpenOptions& options = {});
// The bytes must outlive the reader; `name` stands in errors.
Expected<std::unique_ptr<EventReader>> open_events(ByteView bytes, std::string name, const OpenOptions& options = {});

// "aedat2, aedat4, dat, evt2, evt3, hdf5, csv, nmnist"
const std::string& format_names();

}  // namespace syn::data
