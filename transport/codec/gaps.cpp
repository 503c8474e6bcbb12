#include "transport/codec/gaps.hpp"

#include <algorithm>

#include "transport/codec/bits.hpp"

namespace syn::codec {

namespace {

constexpr unsigned kWidestRice = 15;
constexpr unsigned kMostPut = 56;  // bits that one BitWriter::put or BitReader::peek handles

unsigned rice_parameter(std::uint64_t sum, std::uint64_t n) {
  unsigned k = 0;
  while (k < kWidestRice && (n << k) * 16 < sum * 11) ++k;
  return k;
}

struct Parameters {
  unsigned gap = 0;
  unsigned value = 0;
  bool operator==(const Parameters&) const = default;
};
// One gap more than spikes: the silent end.
Parameters parameters(const Content& c) {
  return {rice_parameter(c.neurons - c.fired, c.fired + 1), rice_parameter(c.sum - c.fired, c.fired)};
}

// value in 0..most as value >> k ones, a zero unless no larger quotient exists, and the k low bits.
struct Code {
  std::uint64_t ones;
  bool terminated;
  unsigned bits() const { return static_cast<unsigned>(ones) + (terminated ? 1 : 0); }
};
Code unary(std::uint32_t value, std::uint32_t most, unsigned k) {
  return {value >> k, (value >> k) < (most >> k)};
}

void put_rice(BitWriter& out, std::uint32_t value, std::uint32_t most, unsigned k) {
  Code code = unary(value, most, k);
  while (code.ones + 1 + k > kMostPut) {
    const auto part = static_cast<unsigned>(std::min<std::uint64_t>(code.ones, kMostPut - 1));
    out.put(low_bits(part), part);
    code.ones -= part;
  }
  const unsigned lead = code.bits();
  out.put(low_bits(static_cast<unsigned>(code.ones)) | (value & low_bits(k)) << lead, lead + k);
}

std::uint32_t take_rice(BitReader& in, std::uint32_t most, unsigned k) {
  const std::uint32_t last = most >> k;
  std::uint32_t quotient = 0;
  while (quotient < last) {
    const auto run = static_cast<std::uint32_t>(std::countr_one(in.peek() & low_bits(kMostPut)));
    const std::uint32_t ones = std::min(run, last - quotient);
    quotient += ones;
    in.skip(ones);
    if (ones == run && run < kMostPut && quotient < last) {
      in.skip(1);
      break;
    }
  }
  return quotient << k | static_cast<std::uint32_t>(in.take(k));
}

struct Range {
  std::uint32_t most;
  unsigned k;
};

// The fast path: a gap that does not reach the end and its count out of one peek, almost without branches. False, and
// nothing taken, if they are too long for that.
bool take_pair(BitReader& in, Range gaps, Range values, std::uint32_t& gap, std::uint32_t& value) {
  std::uint64_t word = in.peek();
  unsigned used = 0;
  const auto take = [&](Range range) {
    const std::uint32_t last = range.most >> range.k;
    const auto quotient = std::min(static_cast<std::uint32_t>(std::countr_one(word)), last);
    const unsigned lead = quotient + (quotient < last ? 1 : 0);
    // Shifts below 64: `lead` is at most 64, and what is longer than a peek is refused at the end.
    word = word >> (lead & 63);
    const auto result = quotient << range.k | static_cast<std::uint32_t>(word & low_bits(range.k));
    word >>= range.k;
    used += lead + range.k;
    return result;
  };
  gap = take(gaps);
  value = take(values);
  if (used > kMostPut || gap >= gaps.most) return false;
  in.skip(used);
  return true;
}

}  // namespace

std::optional<Bytes> pack_gaps(std::span<const Count> counts, std::span<const std::uint64_t> masks,
                               std::uint32_t greatest, const Content& content, std::size_t most) {
  const auto [k, j] = parameters(content);
  // The low bits alone; cheap to know, and it settles many dense windows.
  if (most == 0 || content.fired * (k + j) / 8 + 1 > most) return std::nullopt;
  const std::uint64_t budget = std::uint64_t{most - 1} * 8;
  Bytes out(most + kSlack);
  out[0] = static_cast<std::uint8_t>(k | j << 4);
  BitWriter bits(out.data() + 1);

  const auto neurons = static_cast<std::uint32_t>(counts.size());
  const std::uint32_t most_value = greatest - 1;
  std::uint32_t at = 0;  // the first neuron not yet told
  for (std::size_t word = 0; word < masks.size(); ++word) {
    for (std::uint64_t mask = masks[word]; mask != 0; mask &= mask - 1) {
      const auto here = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(mask));
      const std::uint32_t gap = here - at;
      const std::uint32_t value = counts[here] - 1u;
      const Code gap_code = unary(gap, neurons - at, k);
      const Code value_code = unary(value, most_value, j);
      const std::uint64_t size = gap_code.ones + value_code.ones + 2 + k + j;  // or a bit or two less
      if (bits.bits() + size > budget + 2) return std::nullopt;
      if (size <= kMostPut) {  // nearly always: both codes at once
        std::uint64_t all = low_bits(static_cast<unsigned>(gap_code.ones));
        unsigned n = gap_code.bits();
        all |= (gap & low_bits(k)) << n;
        n += k;
        all |= low_bits(static_cast<unsigned>(value_code.ones)) << n;
        n += value_code.bits();
        all |= (value & low_bits(j)) << n;
        bits.put(all, n + j);
      } else {
        put_rice(bits, gap, neurons - at, k);
        put_rice(bits, value, most_value, j);
      }
      at = here + 1;
    }
  }
  if (at < neurons) {
    if (bits.bits() + ((neurons - at) >> k) + k > budget) return std::nullopt;
    put_rice(bits, neurons - at, neurons - at, k);
  }
  if (bits.bits() > budget) return std::nullopt;
  out.resize(1 + bits.bytes());
  return out;
}

bool unpack_gaps(ByteView bytes, std::uint32_t greatest, std::span<Count> counts) {
  if (bytes.empty()) return false;
  const unsigned parameter_byte = bytes[0];
  const Parameters given{parameter_byte & 15, parameter_byte >> 4};
  BitReader bits(bytes.subspan(1));
  const auto neurons = static_cast<std::uint32_t>(counts.size());
  const std::uint32_t most_value = greatest - 1;
  Content content{.neurons = neurons};
  for (std::uint32_t at = 0; at < neurons;) {
    std::uint32_t gap = 0, value = 0;
    const std::uint32_t left = neurons - at;
    if (!take_pair(bits, {left, given.gap}, {most_value, given.value}, gap, value)) {
      gap = take_rice(bits, left, given.gap);
      if (gap >= left) {
        if (gap > left) return false;
        break;
      }
      value = take_rice(bits, most_value, given.value);
    }
    at += gap;
    if (value > most_value || bits.past_end()) return false;
    counts[at++] = static_cast<Count>(value + 1);
    ++content.fired;
    content.sum += value + 1;
  }
  return bits.at_clean_end() && given == parameters(content);
}

}  // namespace syn::codec
