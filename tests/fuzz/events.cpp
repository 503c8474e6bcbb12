// Event recordings of every format: two bytes choose how the bytes become a file (as they are, or as the contents of an
// LZ4 or Zstandard packet, whose checks no mutation would pass), which format is forced, and what is mended.
#include <algorithm>
#include <cstdint>

#include "conversion/data/events/open.hpp"
#include "tests/conversion/data/events/recordings.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

Bytes as_packet(ByteView content, int compression) {
  Bytes out = test::aedat4_header(compression, {64, 64, 2}, -1);
  test::put_packet(out, 0, test::packed(Bytes(content.begin(), content.end()), compression));
  return out;
}

}  // namespace

void events(ByteView input) {
  const std::uint8_t how = take_byte(input), mending = take_byte(input);
  Bytes packet;
  if (how % 16 == 14) packet = as_packet(input, 1);
  if (how % 16 == 15) packet = as_packet(input, 3);
  const ByteView bytes = how % 16 >= 14 ? ByteView(packet) : input;

  data::OpenOptions options{.order = static_cast<data::TimeOrder>(mending % 3),
                            .bound_us = std::int64_t{1} << (mending / 12 % 16),
                            .outside = static_cast<data::OutsideSensor>(mending / 3 % 2)};
  if (mending / 6 % 2 == 1) options.sensor = data::Sensor{40, 30, 2};
  if (how % 16 == 13) options.format = "nmnist";
  if (how % 16 == 12) options.format = "csv";
  auto reader = data::open_events(bytes, "fuzz", options);
  if (!accepted(reader)) return;
  const data::Recording recording = (*reader)->recording();
  SYN_ASSERT(recording.sensor.known(), recording.format);
  SYN_ASSERT(recording.sensor.polarities == 1 || recording.sensor.polarities == 2);
  data::Events chunk;
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (;;) {
    const auto more = (*reader)->next(chunk);
    if (!accepted(more) || !*more) break;
    SYN_ASSERT(!chunk.empty() && chunk.size() <= data::kChunkEvents, chunk.size());
    SYN_ASSERT(chunk.sensor == recording.sensor);
    SYN_ASSERT(chunk.x.size() == chunk.size() && chunk.y.size() == chunk.size() &&
               chunk.polarity.size() == chunk.size());
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      SYN_ASSERT(chunk.t[i] >= last, chunk.t[i], last);
      last = chunk.t[i];
      SYN_ASSERT(chunk.x[i] < recording.sensor.width && chunk.y[i] < recording.sensor.height, chunk.x[i], chunk.y[i]);
      SYN_ASSERT(chunk.polarity[i] < recording.sensor.polarities, chunk.polarity[i]);
    }
  }
  if (options.order == data::TimeOrder::refuse) SYN_ASSERT((*reader)->repairs().clamped == 0);
  if (options.outside == data::OutsideSensor::refuse) SYN_ASSERT((*reader)->repairs().outside == 0);
}

}  // namespace syn::fuzz
