// Bit streams, least significant bit first, moved in words of 64 bits. Bounds are the caller's duty at the level of
// whole streams: a writer writes into a buffer that has kSlack spare bytes, a reader reads zeros past the end and knows
// how much it has taken.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace syn::codec {

inline constexpr std::size_t kSlack = 8;  // bytes that a writer may touch behind the last one it uses

constexpr std::uint64_t low_bits(unsigned n) {
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* at) : begin_(at), at_(at) {}

  // The n low bits of value, n <= 56; the bits above them must be zero.
  void put(std::uint64_t value, unsigned n) {
    word_ |= value << filled_;
    filled_ += n;
    std::memcpy(at_, &word_, 8);         // always the whole word: cheaper than asking whether it is full
    const unsigned whole = filled_ / 8;  // at most 7: 7 bits waiting and 56 new ones
    at_ += whole;
    word_ >>= whole * 8;
    filled_ %= 8;
  }
  std::size_t bits() const { return static_cast<std::size_t>(at_ - begin_) * 8 + filled_; }
  std::size_t bytes() const { return (bits() + 7) / 8; }

 private:
  std::uint8_t* begin_;
  std::uint8_t* at_;
  std::uint64_t word_ = 0;
  unsigned filled_ = 0;  // < 8 between calls
};

class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // At least the next 56 bits, zeros behind the end.
  std::uint64_t peek() const {
    const std::size_t byte = bit_ / 8;
    std::uint64_t word = 0;
    if (byte + 8 <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, 8);
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    return word >> (bit_ % 8);
  }
  void skip(unsigned n) { bit_ += n; }
  std::uint64_t take(unsigned n) {  // n <= 56
    const std::uint64_t value = peek() & low_bits(n);
    skip(n);
    return value;
  }
  bool past_end() const { return bit_ > bytes_.size() * 8; }
  // Everything was taken but less than a byte of zeros.
  bool at_clean_end() const { return !past_end() && (bit_ + 7) / 8 == bytes_.size() && peek() == 0; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t bit_ = 0;
};

}  // namespace syn::codec
