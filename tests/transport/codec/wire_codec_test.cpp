#include "transport/codec/wire_codec.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"
#include "core/text.hpp"
#include "tests/transport/codec/random_messages.hpp"
#include "transport/codec/control.hpp"
#include "transport/codec/frame.hpp"

using namespace syn;

namespace {
const WireCodec kCodec;

bool refused(Bytes bytes) {
  return !kCodec.decode(bytes).has_value();
}
}  // namespace

TEST_CASE("every kind of message survives the wire") {
  SeededRandom random(1);
  for (std::size_t kind = 0; kind < std::variant_size_v<Message>; ++kind) {
    for (int round = 0; round < 200; ++round) {
      const Message message = random_message(random, kind);
      REQUIRE(message.index() == kind);
      const Bytes bytes = kCodec.encode(message);
      const auto back = kCodec.decode(bytes);
      REQUIRE_MESSAGE(back.has_value(), text::cat("kind ", kind, ": ", back ? "" : back.error().what));
      REQUIRE_MESSAGE(*back == message, text::cat("kind ", kind));
      REQUIRE(kCodec.encode(*back) == bytes);
    }
  }
}

TEST_CASE("the header's bytes are what they were") {
  const SpikeFrame frame{.id = {.deployment = {0x04030201},
                                .epoch = {0x1817161514131211},
                                .inference = {0x2827262524232221},
                                .edge = {0x3231},
                                .window = 0x44434241},
                         .encoding = Encoding::packed,
                         .checksum = 0x5857565554535251,
                         .has_checksum = true,
                         .packed = {0xaa, 0xbb}};
  CHECK(kCodec.encode(frame) == Bytes{1,    11,   1,    0,    0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13,
                                      0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
                                      0x27, 0x28, 0x31, 0x32, 3,    0,    0x41, 0x42, 0x43, 0x44, 0x51,
                                      0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0xaa, 0xbb});
  CHECK(kCodec.encode(Ack{.deployment = {7}, .epoch = Epoch::of(2, 3), .edge = {9}, .consumed = 5}) ==
        Bytes{1, 13, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
              0, 0,  0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("a frame without a checksum is eight bytes shorter and says so") {
  SpikeFrame frame{.id = {}, .packed = {1, 2, 3}};
  CHECK(kCodec.encode(frame).size() == codec::kHeaderBytes + 3);
  frame.has_checksum = true;
  CHECK(kCodec.encode(frame).size() == codec::kHeaderBytes + 11);
}

TEST_CASE("what is not a frame is refused, with the reason") {
  const Bytes good = kCodec.encode(Activate{.deployment = {1}, .epoch = {2}});
  REQUIRE_FALSE(refused(good));
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Bytes bytes = good;
    bytes[at] = value;
    return bytes;
  };
  CHECK(refused({}));
  CHECK(refused(Bytes(31)));
  CHECK(refused(with(0, 0)));  // version
  CHECK(refused(with(0, 2)));
  CHECK(refused(with(1, 0)));  // kind
  CHECK(refused(with(1, codec::kLastKind + 1)));
  CHECK(refused(with(2, 1)));                                            // a flag of another kind
  CHECK(refused(with(3, 0x80)));                                         // an unknown flag
  for (std::size_t at = 16; at < 32; ++at) CHECK(refused(with(at, 1)));  // inference to window: unused here
  Bytes longer = good;
  longer.push_back(0);
  CHECK(refused(longer));  // a payload where there is none
  CHECK(refused(Bytes(kMaxFrameBytes + 1)));
  CHECK(kCodec.decode(with(0, 9)).error().what == "protocol version 9 is not known");

  Bytes spikes = kCodec.encode(SpikeFrame{.id = {}, .packed = {1}});
  spikes[26] = 5;
  CHECK(refused(spikes));  // encoding
  spikes[26] = 0;
  spikes[2] = codec::kHasChecksum;
  CHECK(refused(spikes));  // one byte is no checksum
  Bytes potentials = kCodec.encode(PotentialFrame{.id = {}, .potentials = {1, 2}});
  CHECK_FALSE(refused(potentials));
  potentials.pop_back();
  CHECK(refused(potentials));
  Bytes chunk = kCodec.encode(Chunk{.deployment = {}, .epoch = {}, .bytes = Bytes(kMaxChunkBytes)});
  CHECK_FALSE(refused(chunk));
  chunk.push_back(0);
  CHECK(refused(chunk));
  Bytes ack = kCodec.encode(Ack{});
  ack.push_back(0);
  CHECK(refused(ack));
}

TEST_CASE("control messages are bounded before they are parsed") {
  Bytes status = kCodec.encode(Status{});
  // 64 kB of empty sub-messages would parse into megabytes.
  Bytes many = status;
  while (many.size() + 2 <= codec::kHeaderBytes + kMaxControlBytes) many.insert(many.end(), {7 << 3 | 2, 0});
  CHECK(refused(many));
  CHECK(kCodec.decode(many).error().what == "not Protobuf, or too many fields");
  Bytes few = status;
  for (std::size_t i = 0; i < codec::kMaxStatusEdges; ++i) few.insert(few.end(), {7 << 3 | 2, 0});
  CHECK_FALSE(refused(few));
  few.insert(few.end(), {7 << 3 | 2, 0});
  CHECK(refused(few));
  Bytes large = status;
  large.resize(codec::kHeaderBytes + kMaxControlBytes + 1);
  CHECK(refused(large));
  Bytes group = status;
  group.insert(group.end(), {9 << 3 | 3, 9 << 3 | 4});
  CHECK(refused(group));
}

TEST_CASE("a later version's unknown fields are ignored") {
  Bytes hello = kCodec.encode(Hello{.name = "a", .version = "2"});
  const Bytes before = hello;
  hello.insert(hello.end(), {15 << 3 | 2, 3, 'n', 'e', 'w'});
  CHECK(kCodec.decode(hello).value() == kCodec.decode(before).value());
}

TEST_CASE("text that is too long or not UTF-8 is cleaned on the way out and refused on the way in") {
  const std::string dirty = "caf\xc3\xa9 \xff\xc0\x80 end";
  const auto back = kCodec.decode(kCodec.encode(Failed{{}, {}, {}, {dirty, std::string(9000, 'x'), "\xe2\x82"}}));
  REQUIRE(back.has_value());
  const Error& error = std::get<Failed>(*back).error;
  CHECK(error.what == "caf\xc3\xa9 ??? end");
  CHECK(error.where.size() == codec::kMaxText);
  CHECK(error.todo == "??");

  const Bytes hello = kCodec.encode(Hello{.name = "node", .version = "1"});
  const auto at = std::search(hello.begin(), hello.end(), std::begin("node"), std::begin("node") + 4) - hello.begin();
  for (const char* bad : {"no\xffx", "\xc0\xaf..", "\xed\xa0\x80z", "\xf5\x80\x80\x80", "abc\xe2"}) {
    Bytes changed = hello;
    std::copy(bad, bad + 4, changed.begin() + at);
    CHECK(refused(changed));
  }
}

TEST_CASE("values out of their range are refused") {
  Prepare message;
  message.spec.steps = 5;
  message.spec.window_steps = 3;
  Bytes prepare = kCodec.encode(message);
  REQUIRE_FALSE(refused(prepare));
  Bytes no_steps = prepare;
  for (std::size_t i = codec::kHeaderBytes + 34; i + 1 < no_steps.size(); ++i) {
    if (no_steps[i] == (4 << 3) && no_steps[i + 1] == 3) no_steps[i + 1] = 0;
  }
  CHECK(refused(no_steps));
  CHECK(refused(kCodec.encode(Hello{2, 1, kAllEncodings, "", "", 0})));
  CHECK(refused(kCodec.encode(Hello{0, 1, kAllEncodings, "", "", 0})));
}

TEST_CASE("a hundred thousand mutated frames never crash, and what is accepted can be sent again") {
  SeededRandom random(2);
  std::uint64_t accepted = 0, refusals = 0;
  for (int round = 0; round < 100000; ++round) {
    Bytes bytes = kCodec.encode(random_message(random, random.below(std::variant_size_v<Message>)));
    for (std::uint64_t i = random.below(4) + 1; i > 0; --i) {
      // Half the blows hit the first bytes behind the header, where the structure is.
      const std::size_t reach = random.chance(0.5) ? bytes.size() : std::min<std::size_t>(bytes.size(), 48);
      switch (random.below(5)) {
        case 0:
          if (reach > 0) bytes[random.below(reach)] ^= static_cast<std::uint8_t>(1 << random.below(8));
          break;
        case 1:
          if (reach > 0) bytes[random.below(reach)] = static_cast<std::uint8_t>(random.u64());
          break;
        case 2:
          bytes.resize(random.below(bytes.size() + 1));
          break;
        case 3:
          bytes.push_back(static_cast<std::uint8_t>(random.u64()));
          break;
        default:
          if (reach > 0) bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(random.below(reach)), bytes[0]);
          break;
      }
    }
    const auto message = kCodec.decode(bytes);
    if (!message) {
      ++refusals;
      REQUIRE_FALSE(message.error().what.empty());
      continue;
    }
    ++accepted;
    const auto again = kCodec.decode(kCodec.encode(*message));
    REQUIRE(again.has_value());
    REQUIRE(*again == *message);
  }
  CHECK(accepted > 5000);
  CHECK(refusals > 5000);
}
