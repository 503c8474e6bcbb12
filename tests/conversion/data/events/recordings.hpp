// Recordings written by hand in every format, for the readers' tests and the fuzzer's first inputs. Plain twins of the
// readers: each writes what its format's documentation says, and knows nothing of how we read.
#pragma once

#include <lz4frame.h>
#include <zstd.h>

#include <string>
#include <string_view>

#include "conversion/data/events/events.hpp"
#include "core/random.hpp"
#include "core/text.hpp"
#include "core/types.hpp"

namespace syn::test {

inline Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}
inline void put(Bytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}
inline void put(Bytes& out, const Bytes& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void put_little(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
inline void put_big(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// In order of time, from `start` on; several at one time, and a gap now and then.
inline data::Events random_events(std::uint64_t seed, std::size_t count, data::Sensor sensor, std::int64_t start = 0,
                                  std::uint64_t longest_step = 40) {
  SeededRandom random(seed);
  data::Events out;
  out.sensor = sensor;
  std::int64_t t = start;
  for (std::size_t i = 0; i < count; ++i) {
    if (random.chance(0.7)) t += static_cast<std::int64_t>(random.below(longest_step));
    if (random.chance(0.002)) t += 9000;
    out.push(t, static_cast<std::uint16_t>(random.below(sensor.width)),
             static_cast<std::uint16_t>(random.below(sensor.height)),
             static_cast<std::uint8_t>(random.below(sensor.polarities)));
  }
  return out;
}

inline Bytes aedat2_dvs128(const data::Events& events) {
  Bytes out =
      bytes_of("#!AER-DAT2.0\r\n# This is a raw AE data file\r\n# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n");
  for (std::size_t i = 0; i < events.size(); ++i) {
    put_big(out, std::uint32_t{events.y[i]} << 8 | (127u - events.x[i]) << 1 | (1u - events.polarity[i]), 4);
    put_big(out, static_cast<std::uint64_t>(events.t[i]), 4);
  }
  return out;
}
inline Bytes aedat2_davis346(const data::Events& events) {
  Bytes out =
      bytes_of("#!AER-DAT2.0\r\n# AEChip: eu.seebetter.ini.chips.davis.Davis346red\r\n#End Of ASCII Header\r\n");
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i % 7 == 3) {  // a sample of a frame, and a trigger: neither is an event
      put_big(out, 0x80000c00u, 4);
      put_big(out, static_cast<std::uint64_t>(events.t[i]), 4);
      put_big(out, 1u << 10, 4);
      put_big(out, static_cast<std::uint64_t>(events.t[i]), 4);
    }
    put_big(out,
            std::uint32_t{events.y[i]} << 22 | (345u - events.x[i]) << 12 | std::uint32_t{events.polarity[i]} << 11, 4);
    put_big(out, static_cast<std::uint64_t>(events.t[i]), 4);
  }
  return out;
}

inline Bytes dat(const data::Events& events, int version = 2, bool with_size = true) {
  Bytes out =
      bytes_of(text::cat("% Data file containing CD events\n% Version ", version, "\n% Date 2020-09-14 14:18:29\n"));
  if (with_size) put(out, text::cat("% Width ", events.sensor.width, "\n% Height ", events.sensor.height, "\n"));
  put_little(out, 12, 1);
  put_little(out, 8, 1);
  for (std::size_t i = 0; i < events.size(); ++i) {
    put_little(out, static_cast<std::uint64_t>(events.t[i]), 4);
    const std::uint32_t x = events.x[i], y = events.y[i], p = events.polarity[i];
    put_little(out, version == 1 ? x | y << 9 | p << 17 : x | y << 14 | p << 28, 4);
  }
  return out;
}

inline std::string raw_header(const char* evt, int number, data::Sensor sensor) {
  return text::cat("% date 2023-03-29 16:37:46\n% evt ", number, ".0\n% format ", evt, ";height=", sensor.height,
                   ";width=", sensor.width, "\n% geometry ", sensor.width, "x", sensor.height, "\n% end\n");
}
inline Bytes evt2(const data::Events& events) {
  Bytes out = bytes_of(raw_header("EVT2", 2, events.sensor));
  put_little(out, 0xa0000000u, 4);  // a trigger
  std::int64_t high = -1;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events.t[i] >> 6 != high) {
      high = events.t[i] >> 6;
      put_little(out, 8u << 28 | (static_cast<std::uint32_t>(high) & 0x0fffffffu), 4);
    }
    put_little(out,
               std::uint32_t{events.polarity[i]} << 28 | static_cast<std::uint32_t>(events.t[i] & 63) << 22 |
                   std::uint32_t{events.x[i]} << 11 | events.y[i],
               4);
  }
  return out;
}
// Neighbours of one row, time and polarity become vectors.
inline Bytes evt3(const data::Events& events) {
  Bytes out = bytes_of(raw_header("EVT3", 3, events.sensor));
  const auto word = [&](unsigned type, std::uint64_t content) { put_little(out, type << 12 | (content & 4095), 2); };
  word(2, 5);  // an event before there is a time: dropped
  std::int64_t high = -1, low = -1;
  int row = -1;
  for (std::size_t i = 0; i < events.size();) {
    const std::int64_t t = events.t[i];
    if (t >> 12 != high) {
      high = t >> 12;
      word(8, static_cast<std::uint64_t>(high));
      low = -1;
    }
    if ((t & 4095) != low) {
      low = t & 4095;
      word(6, static_cast<std::uint64_t>(low));
    }
    if (events.y[i] != row) {
      row = events.y[i];
      word(0, static_cast<std::uint64_t>(row));
    }
    std::size_t end = i + 1;
    while (end < events.size() && events.t[end] == t && events.y[end] == row &&
           events.polarity[end] == events.polarity[i] && events.x[end] > events.x[end - 1] &&
           events.x[end] < events.x[i] + 20) {
      ++end;
    }
    if (end == i + 1) {
      word(2, std::uint64_t{events.polarity[i]} << 11 | events.x[i]);
    } else {
      std::uint32_t pixels = 0;
      for (std::size_t k = i; k < end; ++k) pixels |= 1u << (events.x[k] - events.x[i]);
      word(3, std::uint64_t{events.polarity[i]} << 11 | events.x[i]);
      word(4, pixels & 4095);
      word(5, pixels >> 12);
    }
    i = end;
  }
  return out;
}

inline Bytes csv(const data::Events& events, bool with_size = true) {
  Bytes out = bytes_of(with_size ? text::cat("# sensor ", events.sensor.width, "x", events.sensor.height, "\nt,x,y,p\n")
                                 : "t,x,y,p\n");
  for (std::size_t i = 0; i < events.size(); ++i) {
    put(out, text::cat(events.t[i], ",", events.x[i], ",", events.y[i], ",", events.polarity[i], "\n"));
  }
  return out;
}

// FlatBuffers by hand: [size][root][identifier][vtable][table][data].
inline Bytes flat_events(const data::Events& events, std::size_t from, std::size_t count) {
  Bytes body;
  put_little(body, 16, 4);  // root table
  put(body, "EVTS");
  put_little(body, 6, 2);  // vtable at 8: its size, the table's size, field 0
  put_little(body, 8, 2);
  put_little(body, 4, 2);
  put_little(body, 0, 2);
  put_little(body, 8, 4);  // table at 16: back to the vtable
  put_little(body, 4, 4);  // the vector, 4 bytes on
  put_little(body, count, 4);
  for (std::size_t i = from; i < from + count; ++i) {
    put_little(body, static_cast<std::uint64_t>(events.t[i]), 8);
    put_little(body, events.x[i], 2);
    put_little(body, events.y[i], 2);
    put_little(body, events.polarity[i], 4);
  }
  Bytes out;
  put_little(out, body.size(), 4);
  put(out, body);
  return out;
}
inline Bytes lz4_frame(const Bytes& bytes) {
  Bytes out(LZ4F_compressFrameBound(bytes.size(), nullptr));
  out.resize(LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), nullptr));
  return out;
}
inline Bytes zstd_frame(const Bytes& bytes) {
  Bytes out(ZSTD_compressBound(bytes.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}
inline Bytes packed(const Bytes& bytes, int compression) {
  if (compression == 0) return bytes;
  return compression <= 2 ? lz4_frame(bytes) : zstd_frame(bytes);
}
inline Bytes aedat4_header(int compression, data::Sensor sensor, std::int64_t table_position) {
  const std::string xml = text::cat(
      "<dv version=\"2.0\">\n<node name=\"outInfo\" path=\"/mainloop/Recorder/outInfo/\">\n<node name=\"0\" "
      "path=\"/0/\">\n"
      "<attr key=\"typeIdentifier\" type=\"string\">EVTS</attr>\n<node name=\"info\" path=\"/info/\">\n<attr "
      "key=\"sizeX\" "
      "type=\"int\">",
      sensor.width, "</attr>\n<attr key=\"sizeY\" type=\"int\">", sensor.height,
      "</attr>\n<attr key=\"source\" type=\"string\">test</attr>\n</node>\n</node>\n<node name=\"2\" "
      "path=\"/2/\">\n<attr "
      "key=\"typeIdentifier\" type=\"string\">IMUS</attr>\n</node>\n</node>\n</dv>\n");
  Bytes body;
  put_little(body, 20, 4);
  put(body, "IOHE");
  put_little(body, 10, 2);  // vtable at 8
  put_little(body, 20, 2);
  put_little(body, 4, 2);
  put_little(body, 8, 2);
  put_little(body, 16, 2);
  put_little(body, 0, 2);
  put_little(body, 12, 4);  // table at 20
  put_little(body, static_cast<std::uint64_t>(compression), 4);
  put_little(body, static_cast<std::uint64_t>(table_position), 8);
  put_little(body, 4, 4);  // the string, at 40
  put_little(body, xml.size(), 4);
  put(body, xml);
  Bytes out = bytes_of("#!AER-DAT4.0\r\n");
  put_little(out, body.size(), 4);
  put(out, body);
  return out;
}
inline void put_packet(Bytes& out, std::int32_t stream, const Bytes& content) {
  put_little(out, static_cast<std::uint32_t>(stream), 4);
  put_little(out, content.size(), 4);
  put(out, content);
}
// Packets of `each` events, with a packet of another stream between.
inline Bytes aedat4(const data::Events& events, int compression, std::size_t each = 1000, bool finished = true) {
  Bytes packets;
  for (std::size_t i = 0; i < events.size(); i += each) {
    put_packet(packets, 0, packed(flat_events(events, i, std::min(each, events.size() - i)), compression));
    put_packet(packets, 2, Bytes(37, 0xab));
  }
  Bytes out = aedat4_header(compression, events.sensor, -1);
  const std::size_t end = out.size() + packets.size();
  if (finished) out = aedat4_header(compression, events.sensor, static_cast<std::int64_t>(end));
  put(out, packets);
  if (finished) put(out, "the table of packets, which nobody reads");
  return out;
}

}  // namespace syn::test
