#include "transport/codec/frame.hpp"

#include <array>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::codec {

namespace {

// Which header fields a kind uses; the others must be zero.
enum Uses : unsigned { nothing = 0, deployment = 1, epoch = 2, inference = 4, edge = 8, encoding = 16, window = 32 };
struct KindFacts {
  std::string_view name;
  unsigned uses;
  std::uint16_t flags;  // those that may be set
};
constexpr unsigned kDeployed = deployment | epoch;
constexpr std::array<KindFacts, kLastKind + 1> kKinds{{
    {"", nothing, 0},
    {"hello", nothing, 0},
    {"lease", epoch, 0},
    {"lease_reply", epoch, 0},
    {"draining", nothing, 0},
    {"prepare", kDeployed, 0},
    {"chunk", kDeployed, 0},
    {"prepared", kDeployed, 0},
    {"activate", kDeployed, 0},
    {"activated", kDeployed, 0},
    {"retire", kDeployed, 0},
    {"spike_frame", kDeployed | inference | edge | encoding | window, kHasChecksum},
    {"potential_frame", kDeployed | inference | edge | window, kHasChecksum},
    {"ack", kDeployed | edge, 0},
    {"failed", kDeployed | inference, 0},
    {"cancel", kDeployed | inference, 0},
    {"status_request", nothing, 0},
    {"status", epoch, 0},
    {"open_learner", kDeployed, 0},
    {"learner_state", kDeployed, 0},
    {"sample", kDeployed | inference | encoding, kTeach | kLabelled},
    {"learned", kDeployed | inference, kTeach},
    {"keep_learner", kDeployed, 0},
    {"fetch_learner", kDeployed, 0},
}};

template <class T>
void put(std::span<std::uint8_t> out, std::size_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof value);
}
template <class T>
T get(ByteView in, std::size_t at) {
  T value;
  std::memcpy(&value, in.data() + at, sizeof value);
  return value;
}

}  // namespace

std::string_view name_of(Kind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKinds.size() ? kKinds[index].name : "unknown";
}

std::unexpected<Error> malformed(std::string what, std::string_view where) {
  return fail(std::move(what), text::cat("a frame of kind '", where, "'"),
              "check that both ends run compatible versions; the peer is at fault");
}

void write_header(const Header& h, std::span<std::uint8_t> out) {
  SYN_ASSERT(out.size() >= kHeaderBytes, out.size());
  put(out, 0, h.version);
  put(out, 1, static_cast<std::uint8_t>(h.kind));
  put(out, 2, h.flags);
  put(out, 4, h.deployment.value);
  put(out, 8, h.epoch.value);
  put(out, 16, h.inference.value);
  put(out, 24, h.edge.value);
  put(out, 26, static_cast<std::uint8_t>(h.encoding));
  put(out, 27, std::uint8_t{0});
  put(out, 28, h.window);
}

Expected<Header> read_header(ByteView frame) {
  if (frame.size() < kHeaderBytes)
    return malformed(text::cat("shorter than its header: ", frame.size(), " bytes"), "?");
  const auto version = get<std::uint8_t>(frame, 0);
  const auto kind = get<std::uint8_t>(frame, 1);
  if (version != kProtocol) return malformed(text::cat("protocol version ", int{version}, " is not known"), "?");
  if (kind == 0 || kind > kLastKind) return malformed(text::cat("kind ", int{kind}, " is not known"), "?");
  const Header h{.version = version,
                 .kind = Kind{kind},
                 .flags = get<std::uint16_t>(frame, 2),
                 .deployment = {get<std::uint32_t>(frame, 4)},
                 .epoch = {get<std::uint64_t>(frame, 8)},
                 .inference = {get<std::uint64_t>(frame, 16)},
                 .edge = {get<std::uint16_t>(frame, 24)},
                 .encoding = Encoding{get<std::uint8_t>(frame, 26)},
                 .window = get<std::uint32_t>(frame, 28)};
  const KindFacts& facts = kKinds[kind];
  if (h.flags & ~facts.flags) return malformed("unknown flags are set", facts.name);
  const bool idle_is_zero =
      ((facts.uses & deployment) || h.deployment.value == 0) && ((facts.uses & epoch) || h.epoch.value == 0) &&
      ((facts.uses & inference) || h.inference.value == 0) && ((facts.uses & edge) || h.edge.value == 0) &&
      ((facts.uses & encoding) || h.encoding == Encoding::raw16) && ((facts.uses & window) || h.window == 0) &&
      get<std::uint8_t>(frame, 27) == 0;
  if (!idle_is_zero) return malformed("an unused header field is not zero", facts.name);
  if (h.encoding > Encoding::sparse_packed) {
    return malformed(text::cat("encoding ", h.encoding, " is not known"), facts.name);
  }
  return h;
}

}  // namespace syn::codec
