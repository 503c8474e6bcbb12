#include "transport/codec/spikes.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "transport/codec/bits.hpp"
#include "transport/codec/frame.hpp"
#include "transport/codec/gaps.hpp"

namespace syn::codec {

namespace {

constexpr std::size_t kBlock = 64;  // neurons a mask word

std::size_t bytes_for(std::uint64_t bits) {
  return static_cast<std::size_t>((bits + 7) / 8);
}
unsigned width_of(std::uint32_t greatest) {
  return static_cast<unsigned>(std::bit_width(greatest));
}

// Bit i: count i is not zero. Four 16-bit lanes at a time: adding 0x7fff carries into a lane's top bit exactly if the
// lane is not zero (counts stay below 0x8000), and one multiplication gathers the four top bits.
std::uint64_t mask_of_block(const Count* counts) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < kBlock / 4; ++i) {
    std::uint64_t lanes;
    std::memcpy(&lanes, counts + 4 * i, 8);
    const std::uint64_t fired = ((lanes + 0x7fff7fff7fff7fff) & 0x8000800080008000) >> 15;
    mask |= ((fired * 0x0001000200040008) >> 48 & 15) << (4 * i);
  }
  return mask;
}

struct Summary {
  Content content;
  std::uint32_t greatest = 0;
  std::vector<std::uint64_t> masks;
};

void add_block(const Count* block, Summary& out) {
  std::uint32_t sum = 0;
  Count greatest = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    sum += block[i];
    greatest = std::max(greatest, block[i]);
  }
  const std::uint64_t mask = mask_of_block(block);
  out.content.fired += static_cast<std::uint64_t>(std::popcount(mask));
  out.content.sum += sum;
  out.greatest = std::max<std::uint32_t>(out.greatest, greatest);
  out.masks.push_back(mask);
}

Summary summarise(std::span<const Count> counts) {
  Summary out{.content = {.neurons = counts.size()}, .masks = {}};
  out.masks.reserve((counts.size() + kBlock - 1) / kBlock);
  std::size_t at = 0;
  for (; at + kBlock <= counts.size(); at += kBlock) add_block(counts.data() + at, out);
  if (at < counts.size()) {
    Count last[kBlock] = {};
    std::copy(counts.begin() + static_cast<std::ptrdiff_t>(at), counts.end(), last);
    add_block(last, out);
  }
  return out;
}

// Whether the encoding can express windows with this greatest count at all.
bool applies(Encoding encoding, std::uint32_t greatest) {
  switch (encoding) {
    case Encoding::bitmap:
      return greatest == 1;
    case Encoding::sparse_packed:
      return greatest >= 2;
    case Encoding::raw16:
    case Encoding::gaps:
    case Encoding::packed:
      return true;
  }
  return false;
}

std::size_t size_of(Encoding encoding, const Content& content, std::uint32_t greatest) {
  switch (encoding) {
    case Encoding::raw16:
      return content.neurons * 2;
    case Encoding::bitmap:
      return bytes_for(content.neurons);
    case Encoding::packed:
      return bytes_for(content.neurons * width_of(greatest));
    case Encoding::sparse_packed:
      return bytes_for(content.neurons) + bytes_for(content.fired * width_of(greatest - 1));
    case Encoding::gaps:
      break;  // known only by encoding it
  }
  SYN_ASSERT(false, encoding);
  return 0;
}

// ---- to bytes; every buffer has kSlack spare bytes ------------------------------------------------------------------

void put_packed(std::span<const Count> counts, unsigned width, std::uint8_t* out) {
  if (width > 8) {
    BitWriter bits(out);
    for (const Count c : counts) bits.put(c, width);
    return;
  }
  for (std::size_t at = 0; at < counts.size(); at += 8, out += width) {
    std::uint64_t word = 0;
    const std::size_t n = std::min<std::size_t>(8, counts.size() - at);
    if (n == 8) {
      for (unsigned i = 0; i < 8; ++i) word |= std::uint64_t{counts[at + i]} << (i * width);
    } else {
      for (unsigned i = 0; i < n; ++i) word |= std::uint64_t{counts[at + i]} << (i * width);
    }
    std::memcpy(out, &word, 8);
  }
}

Bytes encode(Encoding encoding, std::span<const Count> counts, std::uint32_t greatest, const Summary& summary) {
  const std::size_t size = size_of(encoding, summary.content, greatest);
  Bytes out(size + kSlack);
  switch (encoding) {
    case Encoding::raw16:
      if (!counts.empty()) std::memcpy(out.data(), counts.data(), counts.size_bytes());
      break;
    case Encoding::bitmap:
      if (size > 0) std::memcpy(out.data(), summary.masks.data(), size);
      break;
    case Encoding::packed:
      put_packed(counts, width_of(greatest), out.data());
      break;
    case Encoding::sparse_packed: {
      const std::size_t map = bytes_for(counts.size());
      if (map > 0) std::memcpy(out.data(), summary.masks.data(), map);
      BitWriter bits(out.data() + map);
      const unsigned width = width_of(greatest - 1);
      for (std::size_t word = 0; word < summary.masks.size(); ++word) {
        for (std::uint64_t mask = summary.masks[word]; mask != 0; mask &= mask - 1) {
          bits.put(counts[word * kBlock + static_cast<unsigned>(std::countr_zero(mask))] - 1u, width);
        }
      }
      break;
    }
    case Encoding::gaps:
      SYN_ASSERT(false, "gaps.hpp");
  }
  out.resize(size);
  return out;
}

// ---- from bytes -----------------------------------------------------------------------------------------------------

// The bits behind the last one used are zero.
bool clean_padding(ByteView bytes, std::uint64_t bits) {
  return bits % 8 == 0 || bytes.back() >> (bits % 8) == 0;
}

// Up to eight bytes from `at` on; zeros past the end.
std::uint64_t load(ByteView bytes, std::size_t at) {
  std::uint64_t word = 0;
  if (at + 8 <= bytes.size()) {
    std::memcpy(&word, bytes.data() + at, 8);
  } else if (at < bytes.size()) {
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  }
  return word;
}

void take_bitmap(ByteView bytes, std::span<Count> counts) {
  std::size_t at = 0;
  for (; at + 8 <= counts.size(); at += 8) {
    const std::uint64_t byte = bytes[at / 8];
    // Four bits to the bottom of four 16-bit lanes: bit i moves by 15 * i.
    const std::uint64_t lower = (byte & 15) * 0x0000200040008001 & 0x0001000100010001;
    const std::uint64_t upper = (byte >> 4) * 0x0000200040008001 & 0x0001000100010001;
    std::memcpy(counts.data() + at, &lower, 8);
    std::memcpy(counts.data() + at + 4, &upper, 8);
  }
  for (; at < counts.size(); ++at) counts[at] = bytes[at / 8] >> (at % 8) & 1;
}

// Returns the greatest count seen.
Count take_packed(ByteView bytes, unsigned width, std::span<Count> counts) {
  Count greatest = 0;
  if (width > 8) {
    BitReader bits(bytes);
    for (Count& c : counts) greatest = std::max(greatest, c = static_cast<Count>(bits.take(width)));
    return greatest;
  }
  const std::uint64_t lane = low_bits(width);
  std::size_t at = 0, byte = 0;
  for (; at + 8 <= counts.size(); at += 8, byte += width) {
    const std::uint64_t word = load(bytes, byte);
    for (unsigned i = 0; i < 8; ++i) {
      counts[at + i] = static_cast<Count>(word >> (i * width) & lane);
      greatest = std::max(greatest, counts[at + i]);
    }
  }
  std::uint64_t word = load(bytes, byte);
  for (; at < counts.size(); ++at, word >>= width) {
    greatest = std::max(greatest, counts[at] = static_cast<Count>(word & lane));
  }
  return greatest;
}

std::unexpected<Error> refuse(std::string what) {
  return malformed(std::move(what), name_of(Kind::spike_frame));
}

Expected<> take_sparse(ByteView bytes, std::uint32_t greatest, std::span<Count> counts) {
  const std::size_t map = bytes_for(counts.size());
  if (bytes.size() < map) return refuse("the bitmap is cut short");
  const ByteView bitmap = bytes.first(map), values = bytes.subspan(map);
  if (!clean_padding(bitmap, counts.size())) return refuse("padding bits are set");
  std::uint64_t fired = 0;
  for (std::size_t at = 0; at < map; at += 8) fired += static_cast<std::uint64_t>(std::popcount(load(bitmap, at)));
  const unsigned width = width_of(greatest - 1);
  if (values.size() != bytes_for(fired * width)) return refuse("its length does not fit the bitmap");
  if (!clean_padding(values, fired * width)) return refuse("padding bits are set");
  std::fill(counts.begin(), counts.end(), Count{0});
  BitReader bits(values);
  std::uint32_t seen = 0;
  for (std::size_t at = 0; at < map; at += 8) {
    for (std::uint64_t mask = load(bitmap, at); mask != 0; mask &= mask - 1) {
      const auto value = static_cast<std::uint32_t>(bits.take(width)) + 1;
      seen = std::max(seen, value);
      counts[at * 8 + static_cast<unsigned>(std::countr_zero(mask))] = static_cast<Count>(value);
    }
  }
  if (seen > greatest) return refuse("a count is above the edge's greatest");
  return {};
}

}  // namespace

Codec::Packed pack(std::span<const Count> counts, std::uint32_t greatest, std::uint32_t allowed) {
  SYN_ASSERT(greatest >= 1 && greatest <= kGreatestCount, greatest);
  const Summary summary = summarise(counts);
  SYN_ASSERT(summary.greatest <= greatest, summary.greatest, greatest);
  Encoding best = Encoding::raw16;
  std::size_t size = size_of(best, summary.content, greatest);
  for (const Encoding e : {Encoding::bitmap, Encoding::packed, Encoding::sparse_packed}) {
    if (!(allowed >> static_cast<unsigned>(e) & 1) || !applies(e, greatest)) continue;
    const std::size_t other = size_of(e, summary.content, greatest);
    if (other < size) best = e, size = other;
  }
  if (allowed >> static_cast<unsigned>(Encoding::gaps) & 1) {
    const std::size_t most = best < Encoding::gaps ? size - (size > 0 ? 1 : 0) : size;  // the lower number wins a tie
    if (auto bytes = pack_gaps(counts, summary.masks, greatest, summary.content, most)) {
      return {Encoding::gaps, std::move(*bytes)};
    }
  }
  return {best, encode(best, counts, greatest, summary)};
}

Bytes pack_as(Encoding encoding, std::span<const Count> counts, std::uint32_t greatest) {
  SYN_ASSERT(applies(encoding, greatest), encoding, greatest);
  const Summary summary = summarise(counts);
  SYN_ASSERT(summary.greatest <= greatest, summary.greatest, greatest);
  if (encoding != Encoding::gaps) return encode(encoding, counts, greatest, summary);
  // At most: a unary digit a neuron, then for every spike its count in unary, both parameters and terminators.
  const std::uint64_t bits = summary.content.neurons + summary.content.sum + (summary.content.fired + 1) * 32;
  auto bytes = pack_gaps(counts, summary.masks, greatest, summary.content, 2 + bytes_for(bits));
  SYN_ASSERT(bytes.has_value(), summary.content.neurons, summary.content.fired);
  return std::move(*bytes);
}

Expected<> unpack(Encoding encoding, ByteView bytes, std::uint32_t greatest, std::span<Count> counts) {
  SYN_ASSERT(greatest >= 1 && greatest <= kGreatestCount, greatest);
  if (!applies(encoding, greatest)) return refuse("its encoding does not fit the edge's greatest count");
  if (encoding == Encoding::gaps) {
    std::fill(counts.begin(), counts.end(), Count{0});
    if (!unpack_gaps(bytes, greatest, counts)) return refuse("not a gap code of this many neurons");
    return {};
  }
  if (encoding == Encoding::sparse_packed) return take_sparse(bytes, greatest, counts);

  const Content content{.neurons = counts.size()};
  const std::size_t size = size_of(encoding, content, greatest);
  if (bytes.size() != size) return refuse(text::cat(bytes.size(), " bytes of counts where there must be ", size));
  Count seen = 0;
  if (encoding == Encoding::raw16) {
    if (size > 0) std::memcpy(counts.data(), bytes.data(), size);
    for (const Count c : counts) seen = std::max(seen, c);
  } else {
    const unsigned width = encoding == Encoding::bitmap ? 1 : width_of(greatest);
    if (!clean_padding(bytes, counts.size() * width)) return refuse("padding bits are set");
    if (encoding == Encoding::bitmap) {
      take_bitmap(bytes, counts);
      seen = 1;
    } else {
      seen = take_packed(bytes, width, counts);
    }
  }
  if (seen > greatest) return refuse("a count is above the edge's greatest");
  return {};
}

}  // namespace syn::codec
