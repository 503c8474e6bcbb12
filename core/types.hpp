// The vocabulary: identities, time and the arrays that spikes travel in. Plain values, standard library only.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace syn {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

using Duration = std::chrono::nanoseconds;
// Monotonic time since an arbitrary start; never wall time, never compared between machines.
struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
};
inline Instant operator+(Instant at, Duration d) {
  return {at.ns + d.count()};
}
inline Duration operator-(Instant a, Instant b) {
  return Duration{a.ns - b.ns};
}

// A number that cannot be mistaken for another kind of number.
template <class Tag, class T>
struct Id {
  T value{};
  auto operator<=>(const Id&) const = default;
};

// A node, for the whole mesh: the first eight bytes (little-endian) of the SHA-256 of its public key in production, a
// small number in the simulator. 0 is nobody.
using NodeId = Id<struct NodeTag, std::uint64_t>;
using DeploymentId = Id<struct DeploymentTag, std::uint32_t>;
using InferenceId = Id<struct InferenceTag, std::uint64_t>;
using EdgeId = Id<struct EdgeTag, std::uint16_t>;

// Fencing token: the coordinator's term in the upper 32 bits, the plan's number in the lower. Older is refused (P7).
struct Epoch {
  std::uint64_t value = 0;
  std::uint32_t term() const { return static_cast<std::uint32_t>(value >> 32); }
  std::uint32_t plan() const { return static_cast<std::uint32_t>(value); }
  static Epoch of(std::uint32_t term, std::uint32_t plan) { return {std::uint64_t{term} << 32 | plan}; }
  auto operator<=>(const Epoch&) const = default;
};

// SHA-256 of a model file's header: the model's identity.
struct ModelHash {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const ModelHash&) const = default;
};

// The count that a neuron hands on (volley, phase), whether it spiked (step), or a pooled sum of these; also input
// pixels.
// Never above 32767, so that kernels may multiply it as a signed 16-bit number.
using Count = std::uint16_t;
inline constexpr Count kGreatestCount = 32767;

}  // namespace syn

template <class Tag, class T>
struct std::hash<syn::Id<Tag, T>> {
  std::size_t operator()(const syn::Id<Tag, T>& id) const noexcept { return std::hash<T>{}(id.value); }
};
