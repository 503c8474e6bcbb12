// What an HDF5 file holds, as plain values: groups by name, arrays of numbers, of text, of sequences of numbers. Read
// whole and written whole, in the form that h5py writes by default (superblock 0, symbol-table groups, contiguous,
// compact or chunked storage, gzip and shuffle). A reader of our own: Debian's libhdf5 1.10.8 crashes on about one in a
// hundred files with a few changed bytes, and brings libcurl along; this one takes any bytes.
//
// Deliberately not here, and refused by name: attributes (passed over), links out of the file, virtual and external
// storage, the dense groups and chunk indices of libver='latest', compound, reference and opaque types, storage that
// was never written, and every filter but gzip and shuffle.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::hdf5 {

// How numbers are written. Read: float16 becomes float32, every integer and h5py's bool int64.
enum class Element : std::uint8_t { float32, float64, int64 };

struct Numbers {
  std::vector<std::size_t> shape;  // empty: one number
  Element element = Element::float32;
  // product(shape), last index fastest. Of float32 such as a float holds (others are rounded when written); an int64
  // above 2^53 has lost digits.
  std::vector<double> values;
  bool operator==(const Numbers&) const = default;
};

struct Texts {
  std::vector<std::size_t> shape;
  std::vector<std::string> values;  // UTF-8
  bool operator==(const Texts&) const = default;
};

// Sequences of numbers of varying length, left as they lie in the file and valid as long as its bytes: a set of
// recordings has more numbers than anybody wants decoded at once.
struct Sequences {
  std::vector<std::size_t> shape;
  Element element = Element::float32;  // how `numbers` reads them, as in Numbers
  std::uint8_t size = 4;               // bytes of one number in the file
  bool is_signed = true, big_endian = false;
  std::vector<ByteView> values;  // product(shape)

  std::size_t length(std::size_t i) const { return values[i].size() / size; }
  double number(std::size_t i, std::size_t k) const;
  bool operator==(const Sequences& other) const;  // the same numbers
};

struct Item;
using Group = std::map<std::string, Item>;  // no name is empty, ".", or has a '/'

struct Item {
  std::variant<Numbers, Texts, Group, Sequences> value;
  bool operator==(const Item& other) const;
};
inline bool Item::operator==(const Item& other) const {
  return value == other.value;
}

struct Limits {
  std::uint64_t decoded = std::uint64_t{1} << 30;  // bytes of all arrays together
  std::size_t objects = 1 << 16;                   // groups and arrays
  std::size_t depth = 16;                          // groups inside groups
};

// `where` names the file in errors. Memory: at most about ten times what arrays take in the file, and never more than
// the limits or a gzip stream of the file's size could give.
Expected<Group> read(ByteView bytes, const std::string& where, const Limits& limits = {});

// What read() gives back, and h5py and libhdf5 read.
Bytes write(const Group& root);

}  // namespace syn::hdf5
