// The form of libver='earliest', as h5py writes by default (HDF5 File Format Specification 3.0): superblock 0, object
// headers 1, groups as a B-tree 1 over leaves of symbols, contiguous arrays, text of varying length in the global heap.
// Every structure is appended after what it points to; only the superblock and the heaps of texts are filled in later.
#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "conversion/hdf5/cursor.hpp"
#include "conversion/hdf5/tree.hpp"
#include "core/assert.hpp"

namespace syn::hdf5 {
namespace {

constexpr std::size_t kLeafSymbols = 8;  // 2 * the leaf K of the superblock
constexpr std::size_t kChildren = 8;     // 2 * its internal K
constexpr std::size_t kHeapLeast = 4096;

class Sink {
 public:
  Bytes bytes;

  Sink& number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    return *this;
  }
  Sink& u8(std::uint64_t v) { return number(v, 1); }
  Sink& u16(std::uint64_t v) { return number(v, 2); }
  Sink& u32(std::uint64_t v) { return number(v, 4); }
  Sink& u64(std::uint64_t v) { return number(v, 8); }
  Sink& text(std::string_view v) { return bytes.insert(bytes.end(), v.begin(), v.end()), *this; }
  Sink& append(const Bytes& v) { return bytes.insert(bytes.end(), v.begin(), v.end()), *this; }
  Sink& zeros(std::size_t n) { return bytes.resize(bytes.size() + n), *this; }
  Sink& align() { return zeros((8 - bytes.size() % 8) % 8); }
};

// Texts lie in collections of the global heap, which are laid into the file empty and filled as texts come.
class Heap {
 public:
  explicit Heap(Sink& file) : file_(file) {}

  // Writes the 16 bytes that stand in an array for this text, or for `count` numbers.
  void put(std::string_view text, std::uint64_t count, Sink& array) {
    const std::size_t need = 16 + (text.size() + 7) / 8 * 8;
    if (at_ == 0 || need + 16 > left_) open(std::max(kHeapLeast, 16 + need + 16));
    Sink piece;
    piece.u16(next_).u16(1).u32(0).u64(text.size()).text(text).align();
    std::copy(piece.bytes.begin(), piece.bytes.end(), file_.bytes.begin() + static_cast<std::ptrdiff_t>(end_ - left_));
    left_ -= need;
    Sink rest;
    rest.u64(0).u64(left_);  // the free rest counts its own head
    std::copy(rest.bytes.begin(), rest.bytes.end(), file_.bytes.begin() + static_cast<std::ptrdiff_t>(end_ - left_));
    array.u32(count).u64(at_).u32(next_++);
  }

 private:
  void open(std::size_t size) {
    file_.align();
    at_ = file_.bytes.size();
    file_.text("GCOL").u32(1).u64(size).zeros(size - 16);
    left_ = size - 16;
    end_ = file_.bytes.size();
    next_ = 1;
  }

  Sink& file_;
  std::size_t at_ = 0, end_ = 0, left_ = 0;
  std::uint32_t next_ = 1;
};

struct Written {
  std::uint64_t header = 0;
  std::uint64_t tree = kNowhere, heap = kNowhere;  // groups
};

class Writer {
 public:
  Bytes run(const Group& root) {
    file_.zeros(96);
    const Written top = group(root);
    file_.align();
    Sink super;
    super.text(std::string_view("\x89HDF\r\n\x1a\n", 8)).u32(0).u8(0).u8(8).u8(8).u8(0);
    super.u16(kLeafSymbols / 2).u16(kChildren / 2).u32(0);
    super.u64(0).u64(kNowhere).u64(file_.bytes.size()).u64(kNowhere);
    symbol(super, 0, top);
    SYN_ASSERT(super.bytes.size() == 96, super.bytes.size());
    std::copy(super.bytes.begin(), super.bytes.end(), file_.bytes.begin());
    return std::move(file_.bytes);
  }

 private:
  static void symbol(Sink& out, std::uint64_t name, const Written& what) {
    const bool group = what.tree != kNowhere;
    out.u64(name).u64(what.header).u32(group ? 1 : 0).u32(0).u64(group ? what.tree : 0).u64(group ? what.heap : 0);
  }
  static void message(Sink& out, std::uint16_t type, Sink body, std::uint8_t flags) {
    body.align();
    out.u16(type).u16(body.bytes.size()).u8(flags).zeros(3).append(body.bytes);
  }
  std::uint64_t put_header(std::size_t count, const Sink& messages) {
    file_.align();
    const std::uint64_t at = file_.bytes.size();
    file_.u8(1).u8(0).u16(count).u32(1).u32(messages.bytes.size()).u32(0).append(messages.bytes);
    return at;
  }

  Written item(const Item& item) {
    if (const auto* inside = std::get_if<Group>(&item.value)) return group(*inside);
    if (const auto* numbers = std::get_if<Numbers>(&item.value)) {
      Sink raw, type;
      encode(*numbers, raw, type);
      return array(numbers->shape, type, raw);
    }
    if (const auto* sequences = std::get_if<Sequences>(&item.value)) return this->sequences(*sequences);
    const auto& texts = std::get<Texts>(item.value);
    Sink raw, type;
    for (const std::string& text : texts.values) heap_.put(text, text.size(), raw);
    type.u32(0x00010119).u32(16).u32(0x10).u32(1).u32(0x00080000);  // UTF-8 of varying length, of single bytes
    return array(texts.shape, type, raw);
  }

  Written sequences(const Sequences& all) {
    SYN_ASSERT(!all.big_endian, "written as they lie");
    Sink raw, type;
    type.u32(0x00000019).u32(16);  // a sequence of
    if (all.element == Element::int64) {
      type.u32(all.is_signed ? 0x00000810 : 0x00000010).u32(all.size).u16(0).u16(8 * all.size);
    } else if (all.size == 2) {
      type.u32(0x000f2011).u32(2).u16(0).u16(16).u8(10).u8(5).u8(0).u8(10).u32(15);
    } else {
      Sink nothing;
      encode({.element = all.element}, nothing, type);
    }
    for (std::size_t i = 0; i < all.values.size(); ++i) {
      heap_.put({reinterpret_cast<const char*>(all.values[i].data()), all.values[i].size()}, all.length(i), raw);
    }
    return array(all.shape, type, raw);
  }

  static void encode(const Numbers& numbers, Sink& raw, Sink& type) {
    switch (numbers.element) {
      case Element::float32:
        type.u32(0x001f2011).u32(4).u16(0).u16(32).u8(23).u8(8).u8(0).u8(23).u32(127);
        for (const double v : numbers.values) raw.u32(std::bit_cast<std::uint32_t>(static_cast<float>(v)));
        return;
      case Element::float64:
        type.u32(0x003f2011).u32(8).u16(0).u16(64).u8(52).u8(11).u8(0).u8(52).u32(1023);
        for (const double v : numbers.values) raw.u64(std::bit_cast<std::uint64_t>(v));
        return;
      case Element::int64:
        type.u32(0x00000810).u32(8).u16(0).u16(64);
        for (const double v : numbers.values) {
          // 2^63 itself is what the greatest int64 was read as.
          raw.u64(v >= 0x1p63 ? ~std::uint64_t{0} >> 1 : static_cast<std::uint64_t>(static_cast<std::int64_t>(v)));
        }
        return;
    }
  }

  Written array(const std::vector<std::size_t>& shape, const Sink& type, const Sink& raw) {
    std::uint64_t data = kNowhere;
    if (!raw.bytes.empty()) {
      file_.align();
      data = file_.bytes.size();
      file_.append(raw.bytes);
    }
    Sink space, messages, fill, layout;
    space.u8(1).u8(shape.size()).u8(0).zeros(5);
    for (const std::size_t dim : shape) space.u64(dim);
    fill.u8(2).u8(2).u8(2).u8(0);  // space late, fill if set, nothing set
    layout.u8(3).u8(1).u64(data).u64(raw.bytes.size());
    message(messages, 0x01, space, 0);
    message(messages, 0x03, type, 1);
    message(messages, 0x05, fill, 1);
    message(messages, 0x08, layout, 0);
    return {.header = put_header(4, messages)};
  }

  Written group(const Group& group) {
    // std::map's order is the B-tree's: by bytes.
    Sink names;
    names.zeros(8);  // the empty name, the first key
    struct Entry {
      std::uint64_t name;
      Written what;
    };
    std::vector<Entry> entries;
    for (const auto& [name, item] : group) {
      entries.push_back({names.bytes.size(), this->item(item)});
      names.text(name).zeros(1).align();
    }
    file_.align();
    Written out;
    out.heap = file_.bytes.size();
    const std::uint64_t heap_size = names.bytes.size() + 16;  // a free block at the end, as the library wants one
    file_.text("HEAP").u32(0).u64(heap_size).u64(names.bytes.size()).u64(out.heap + 32);
    file_.append(names.bytes).u64(1).u64(16);

    struct Child {
      std::uint64_t address, greatest;  // greatest: its last name
    };
    std::vector<Child> level;
    for (std::size_t first = 0; first < entries.size(); first += kLeafSymbols) {
      const std::size_t count = std::min(kLeafSymbols, entries.size() - first);
      level.push_back({file_.bytes.size(), entries[first + count - 1].name});
      file_.text("SNOD").u8(1).u8(0).u16(count);
      for (std::size_t i = 0; i < count; ++i) symbol(file_, entries[first + i].name, entries[first + i].what);
      file_.zeros((kLeafSymbols - count) * 40);
    }
    for (int depth = 0; depth == 0 || level.size() > 1; ++depth) {
      std::vector<Child> above;
      std::uint64_t least = 0;
      const std::size_t nodes = std::max<std::size_t>(1, (level.size() + kChildren - 1) / kChildren);
      constexpr std::size_t kNode = 24 + 8 * (2 * kChildren + 1);
      const std::uint64_t start = file_.bytes.size();
      for (std::size_t node = 0; node < nodes; ++node) {
        const std::size_t first = node * kChildren, count = std::min(kChildren, level.size() - first);
        above.push_back({file_.bytes.size(), count > 0 ? level[first + count - 1].greatest : 0});
        file_.text("TREE").u8(0).u8(depth).u16(count);
        file_.u64(node == 0 ? kNowhere : start + (node - 1) * kNode);
        file_.u64(node + 1 == nodes ? kNowhere : start + (node + 1) * kNode);
        file_.u64(least);
        for (std::size_t i = 0; i < count; ++i) file_.u64(level[first + i].address).u64(level[first + i].greatest);
        file_.zeros((kChildren - count) * 16);
        least = above.back().greatest;
      }
      level = std::move(above);
    }
    out.tree = level.front().address;
    Sink messages, table;
    table.u64(out.tree).u64(out.heap);
    message(messages, 0x11, table, 0);
    out.header = put_header(1, messages);
    return out;
  }

  Sink file_;
  Heap heap_{file_};
};

}  // namespace

Bytes write(const Group& root) {
  return Writer().run(root);
}

}  // namespace syn::hdf5
