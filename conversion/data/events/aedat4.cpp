// AEDAT 4 (iniVation DV): a line of magic; a FlatBuffer "IOHE" (compression, where the table of packets lies, XML about
// the streams); packets: 32-bit stream, 32-bit size, then a compressed FlatBuffer, "EVTS" for events: structs of 16
// bytes (64-bit time in us, 16-bit x and y, polarity). The table at the end is for seeking and is not read.
#include "conversion/data/events/aedat4.hpp"

#include <algorithm>

#include "conversion/data/events/flatbuffer.hpp"
#include "conversion/data/events/formats.hpp"
#include "conversion/data/events/unpack.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

constexpr std::string_view kMagic = "#!AER-DAT4.0\r\n";
constexpr std::size_t kGreatestHeader = std::size_t{1} << 22;
constexpr std::size_t kGreatestPacket = std::size_t{1} << 26;  // 10 ms of a camera at 400 million events a second
constexpr std::size_t kStruct = 16;
constexpr const char* kAgain = "the recording is damaged: copy it again";

class Aedat4 final : public EventReader {
 public:
  Aedat4(ByteSource& source, Recording recording, Packing packing, std::int32_t stream,
         std::optional<std::uint64_t> packets_end)
      : source_(source), recording_(std::move(recording)), packing_(packing), stream_(stream), end_(packets_end) {}
  const Recording& recording() const override { return recording_; }

  Expected<bool> next(Events& chunk) override {
    chunk.clear();
    while (rest_.empty()) {
      const auto more = next_packet();
      if (!more || !*more) return more;
    }
    const std::size_t count = std::min(rest_.size() / kStruct, kChunkEvents);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* e = rest_.data() + i * kStruct;
      chunk.push(little<std::int64_t>(e), little<std::uint16_t>(e + 8), little<std::uint16_t>(e + 10), e[12] != 0);
    }
    rest_ = rest_.subspan(count * kStruct);
    return true;
  }

 private:
  // Unpacks the next packet, if it is of our stream; false at the end of packets.
  Expected<bool> next_packet() {
    if (end_ && source_.offset() >= *end_) return false;
    const auto head = source_.peek(8);
    if (!head) return fail(head.error());
    if (head->empty() && !end_) return false;
    if (head->size() < 8) return cut_short(source_, "a packet's header");
    const auto stream = little<std::int32_t>(head->data());
    const auto size = little<std::uint32_t>(head->data() + 4);
    if (size > kGreatestPacket || (end_ && size + 8 > *end_ - source_.offset())) {
      return fail(text::cat("a packet declares ", size, " bytes, more than ",
                            size > kGreatestPacket ? "64 MiB" : "there are up to the table of packets"),
                  source_.where(), kAgain);
    }
    const std::string where = source_.where();
    source_.skip(8);
    if (stream != stream_) {
      const auto whole = source_.drop(size);
      if (!whole) return fail(whole.error());
      if (!*whole) return cut_short(source_, "a packet");
      return true;
    }
    const auto body = source_.peek(size);
    if (!body) return fail(body.error());
    if (body->size() < size) return cut_short(source_, "a packet");
    if (auto done = unpack(packing_, *body, kGreatestPacket, where, packet_); !done) return fail(done.error());
    source_.skip(size);
    const auto table = FlatTable::root(packet_, "EVTS");
    const auto events = table ? table->vector(0, kStruct) : std::nullopt;
    if (!table || (!events && table->has(0))) {
      return fail("a packet of events is not laid out as one", where, kAgain);
    }
    rest_ = events.value_or(ByteView());
    return true;
  }

  ByteSource& source_;
  Recording recording_;
  Packing packing_;
  std::int32_t stream_;
  std::optional<std::uint64_t> end_;  // where the packets end; absent when the recorder did not live to write it
  Bytes packet_;
  ByteView rest_;  // of the packet: events not handed on yet
};

}  // namespace

bool is_aedat4(ByteView start) {
  return as_text(start).starts_with("#!AER-DAT4");
}

Made make_aedat4(ByteSource& source, const OpenOptions&) {
  const auto magic = source.peek(kMagic.size());
  if (!magic) return fail(magic.error());
  if (as_text(*magic) != kMagic) {
    return fail(magic->size() < kMagic.size() ? "the file is cut short: it ends inside the first line"
                                              : "only version 4.0 of AEDAT 4 is known",
                source.where(), "copy it again, or record as AEDAT 4.0");
  }
  source.skip(kMagic.size());
  const auto sized = source.peek(4);
  if (!sized) return fail(sized.error());
  if (sized->size() < 4) return cut_short(source, "the header");
  const auto size = little<std::uint32_t>(sized->data());
  if (size > kGreatestHeader) {
    return fail(text::cat("the header declares ", size, " bytes, more than 4 MiB"), source.where(), kAgain);
  }
  const auto header = source.peek(4 + std::size_t{size});
  if (!header) return fail(header.error());
  if (header->size() < 4 + std::size_t{size}) return cut_short(source, "the header");
  const auto table = FlatTable::root(*header, "IOHE");
  const auto xml = table ? table->vector(2, 1) : std::nullopt;
  const auto streams = xml ? dv_streams(as_text(*xml)) : std::nullopt;
  if (!streams) return fail("the header is not laid out as one of AEDAT 4", source.where(), kAgain);

  Packing packing = Packing::none;
  const std::int32_t compression = table->scalar<std::int32_t>(0).value_or(0);
  if (compression == 1 || compression == 2) packing = Packing::lz4;
  if (compression == 3 || compression == 4) packing = Packing::zstd;
  if (compression < 0 || compression > 4) {
    return fail(text::cat("compression ", compression, " is not known (none, LZ4 and ZSTD are)"), source.where(),
                "write the file again with one of these");
  }
  std::optional<std::uint64_t> end;
  if (const std::int64_t stated = table->scalar<std::int64_t>(1).value_or(-1); stated >= 0) {
    end = static_cast<std::uint64_t>(stated);
    if (source.size() && *end > *source.size()) {
      return fail(
          text::cat("the file is cut short: its table of packets should begin at byte ", *end, " of ", *source.size()),
          source.name(), "copy it again");
    }
  }
  source.skip(4 + std::size_t{size});

  const auto chosen =
      std::find_if(streams->begin(), streams->end(), [](const DvStream& s) { return s.type == "EVTS"; });
  if (chosen == streams->end()) {
    return fail(text::cat("none of its ", streams->size(), " streams holds events"), source.name(),
                "record the output 'events'");
  }
  Recording recording{.format = "AEDAT 4", .sensor = chosen->sensor, .sensor_stated = chosen->sensor.known()};
  if (!recording.sensor_stated) recording.sensor = Sensor{};
  static constexpr const char* kPackings[] = {"none", "LZ4", "ZSTD"};
  recording.notes.emplace_back("compression", kPackings[static_cast<int>(packing)]);
  if (!chosen->source.empty()) recording.notes.emplace_back("source", chosen->source);
  const auto others =
      std::count_if(streams->begin(), streams->end(), [](const DvStream& s) { return s.type == "EVTS"; });
  if (others > 1) recording.notes.emplace_back("streams of events", text::cat(others, "; the first is read"));
  if (!end) recording.notes.emplace_back("recorder", "ended before it wrote its table of packets");
  return std::make_unique<Aedat4>(source, std::move(recording), packing, chosen->id, end);
}

}  // namespace syn::data::formats
