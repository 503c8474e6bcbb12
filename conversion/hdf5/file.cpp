#include "conversion/hdf5/file.hpp"

#include <algorithm>
#include <cstring>

#include "core/text.hpp"
#include "core/utf8.hpp"

namespace syn::hdf5 {
namespace {

constexpr std::string_view kSignature{"\x89HDF\r\n\x1a\n", 8};
constexpr std::uint64_t kInflation = 1040;  // deflate's greatest is 1032 : 1

}  // namespace

// An honest file is walked once, and its heaps and headers once each.
File::File(ByteView bytes, std::string where, const Limits& limits)
    : bytes_(bytes),
      where_(std::move(where)),
      work_left_(4096 + 16 * std::uint64_t{bytes.size()}),
      memory_left_(std::min<std::uint64_t>(limits.decoded, 65536 + kInflation * bytes.size())) {}

std::nullopt_t File::refuse(std::string what) {
  if (!trouble_)
    trouble_ = Error{std::move(what), path_.empty() ? where_ : text::cat(where_, ", ", path_),
                     "the HDF5 file is damaged: write or copy it again"};
  return std::nullopt;
}
std::nullopt_t File::unsupported(std::string what) {
  if (!trouble_)
    trouble_ = Error{text::cat("the HDF5 file has ", what, ", which is not read"),
                     path_.empty() ? where_ : text::cat(where_, ", ", path_),
                     "write it with h5py's defaults (no libver, at most compression='gzip')"};
  return std::nullopt;
}
bool File::spend(std::uint64_t work) {
  if (trouble_) return false;
  if (work > work_left_) {
    refuse("its structures point at each other without end");
    return false;
  }
  work_left_ -= work;
  return true;
}
bool File::take_memory(std::uint64_t size) {
  if (trouble_) return false;
  if (size > memory_left_) {
    refuse(text::cat("its arrays declare more than this file can hold, or than is read (", size, " bytes more)"));
    return false;
  }
  memory_left_ -= size;
  return true;
}

std::optional<Cursor> File::from(std::uint64_t address, const char* what) {
  if (!spend(8)) return {};
  if (address >= bytes_.size()) return refuse(text::cat(what, " lies outside the file"));
  return Cursor(bytes_.subspan(static_cast<std::size_t>(address)));
}
std::optional<ByteView> File::at(std::uint64_t address, std::uint64_t size, const char* what) {
  if (!spend(8)) return {};
  if (address > bytes_.size() || size > bytes_.size() - address)
    return refuse(text::cat(what, " lies outside the file"));
  return bytes_.subspan(static_cast<std::size_t>(address), static_cast<std::size_t>(size));
}

std::optional<std::uint64_t> File::open() {
  // A user block may come first; addresses count from the signature.
  std::size_t start = 0;
  const auto signed_at = [&](std::size_t offset) {
    return bytes_.size() >= offset + 8 && std::memcmp(bytes_.data() + offset, kSignature.data(), 8) == 0;
  };
  while (!signed_at(start)) {
    start = start == 0 ? 512 : 2 * start;
    if (start >= bytes_.size() || start > (1 << 20)) {
      trouble_ = Error{"this is no HDF5 file", where_, "check the path"};
      return {};
    }
  }
  bytes_ = bytes_.subspan(start);
  Cursor in(bytes_.subspan(8));
  const int version = in.u8();
  if (version > 3) return unsupported(text::cat("a superblock of version ", version));
  if (version < 2) in.skip(4);
  const int offsets = in.u8(), lengths = in.u8();
  if (offsets != 8 || lengths != 8) return unsupported(text::cat("addresses of ", offsets, " bytes"));
  std::uint64_t root = 0;
  if (version < 2) {
    in.skip(1 + 2 + 2 + 4 + (version == 1 ? 4 : 0));
    in.skip(8 + 8 + 8 + 8);  // base, free space, end, driver
    in.skip(8);              // the root's name
    root = in.u64();
  } else {
    in.skip(1 + 8 + 8 + 8);  // flags, base, extension, end
    root = in.u64();
  }
  if (!in.ok()) return refuse("the file ends inside its superblock");
  return root;
}

bool File::messages_1(Cursor in, std::size_t count, Object& out) {
  // Blocks follow each other by continuation messages; the count is of all blocks together.
  std::vector<ByteView> blocks{in.rest()};
  for (std::size_t block = 0; block < blocks.size() && block < 64; ++block) {
    Cursor at(blocks[block]);
    while (count > 0 && at.left() >= 8) {
      --count;
      const std::uint16_t type = at.u16(), size = at.u16();
      const std::uint8_t flags = at.u8();
      at.skip(3);
      const ByteView body = at.take(size);
      if (!spend(8 + std::uint64_t{size})) return false;
      if (!at.ok()) return refuse("a header message is cut short"), false;
      if (type == 0x10) {
        Cursor next(body);
        const std::uint64_t address = next.u64(), length = next.u64();
        const auto more = this->at(address, length, "an object header");
        if (!more) return false;
        blocks.push_back(*more);
      } else if (auto why = take_message(out, type, flags, body); !why.empty()) {
        return unsupported(std::move(why)), false;
      }
    }
  }
  return true;
}

bool File::messages_2(Cursor in, Object& out) {
  const int flags = in.u8();
  if (flags & 32) in.skip(16);
  if (flags & 16) in.skip(4);
  const std::uint64_t size = in.number(std::size_t{1} << (flags & 3));
  std::vector<ByteView> blocks{in.take(size)};
  if (!in.ok()) return refuse("an object header is cut short"), false;
  const std::size_t head = flags & 4 ? 6 : 4;
  for (std::size_t block = 0; block < blocks.size() && block < 64; ++block) {
    Cursor at(blocks[block]);
    while (at.left() >= head) {
      const std::uint8_t type = at.u8();
      const std::uint16_t length = at.u16();
      const std::uint8_t message_flags = at.u8();
      if (flags & 4) at.skip(2);
      const ByteView body = at.take(length);
      if (!spend(8 + std::uint64_t{length})) return false;
      if (!at.ok()) return refuse("a header message is cut short"), false;
      if (type == 0x10) {
        Cursor next(body);
        const std::uint64_t address = next.u64(), more_size = next.u64();
        const auto more = this->at(address, more_size, "an object header");
        if (!more) return false;
        Cursor inside(*more);
        if (!inside.take_text("OCHK") || inside.left() < 4) return refuse("an object header is damaged"), false;
        blocks.push_back(inside.rest().first(inside.left() - 4));
      } else if (auto why = take_message(out, type, message_flags, body); !why.empty()) {
        return unsupported(std::move(why)), false;
      }
    }
  }
  return true;
}

std::optional<Object> File::object(std::uint64_t address) {
  auto in = from(address, "an object header");
  if (!in) return {};
  Object out;
  Cursor newer = *in;
  if (newer.take_text("OHDR")) {
    if (const int version = newer.u8(); version != 2)
      return unsupported(text::cat("object headers of version ", version));
    return messages_2(newer, out) ? std::optional(std::move(out)) : std::nullopt;
  }
  if (const int version = in->u8(); version != 1) return refuse("an object header is damaged");
  in->skip(1);
  const std::size_t count = in->u16();
  in->skip(4);
  const std::uint64_t size = in->u32();
  in->skip(4);
  const ByteView block = in->take(size);
  if (!in->ok()) return refuse("an object header is cut short");
  return messages_1(Cursor(block), count, out) ? std::optional(std::move(out)) : std::nullopt;
}

// A version 1 B-tree over leaves of symbols (sections III.A.1 and III.B).
bool File::symbols(std::uint64_t tree, ByteView names, int depth,
                   std::vector<std::pair<std::string, std::uint64_t>>& out) {
  auto in = from(tree, "a group's B-tree");
  if (!in) return false;
  Cursor leaf = *in;
  if (leaf.take_text("SNOD")) {
    leaf.skip(2);
    const std::size_t count = leaf.u16();
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t name = leaf.u64(), address = leaf.u64();
      const std::uint32_t cache = leaf.u32();
      leaf.skip(20);
      if (!leaf.ok() || name >= names.size()) return refuse("a group's list of names is damaged"), false;
      const auto* text = reinterpret_cast<const char*>(names.data() + name);
      const std::size_t length = ::strnlen(text, names.size() - name);
      if (!spend(40 + length)) return false;
      if (length == names.size() - name) return refuse("a group's list of names is damaged"), false;
      if (cache == 2) return unsupported(text::cat("a soft link ('", clean_utf8({text, length}, 100), "')")), false;
      out.emplace_back(std::string(text, length), address);
    }
    return true;
  }
  if (!in->take_text("TREE") || in->u8() != 0) return refuse("a group's B-tree is damaged"), false;
  if (depth > 8) return refuse("a group's B-tree is too deep"), false;
  in->skip(1);
  const std::size_t count = in->u16();
  in->skip(16);
  for (std::size_t i = 0; i < count; ++i) {
    in->skip(8);
    const std::uint64_t child = in->u64();
    if (!in->ok()) return refuse("a group's B-tree is cut short"), false;
    if (!spend(16) || !symbols(child, names, depth + 1, out)) return false;
  }
  return true;
}

std::optional<std::vector<std::pair<std::string, std::uint64_t>>> File::children(const Object& group) {
  auto out = group.links;
  if (group.table) {
    auto in = from(group.table->heap, "a group's heap");
    if (!in) return {};
    if (!in->take_text("HEAP")) return refuse("a group's heap is damaged");
    in->skip(4);
    const std::uint64_t size = in->u64();
    in->skip(8);
    const std::uint64_t data = in->u64();
    if (!in->ok()) return refuse("a group's heap is cut short");
    const auto names = at(data, size, "a group's heap");
    if (!names || !symbols(group.table->tree, *names, 0, out)) return {};
  }
  for (const auto& [name, address] : out) {
    if (name.empty() || name == "." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos ||
        !is_utf8(name))
      return refuse(text::cat("'", clean_utf8(name, 100), "' is no name"));
  }
  return out;
}

std::optional<ByteView> File::heap_piece(std::uint64_t collection, std::uint32_t index) {
  auto found = heaps_.find(collection);
  if (found == heaps_.end()) {
    auto in = from(collection, "text");
    if (!in) return {};
    Cursor head = *in;
    if (!head.take_text("GCOL")) return refuse("the heap of texts is damaged");
    head.skip(4);
    const std::uint64_t size = head.u64();
    if (!head.ok() || size < 16 || size > in->left()) return refuse("the heap of texts lies outside the file");
    if (!spend(size)) return {};
    Cursor pieces(head.rest().first(static_cast<std::size_t>(size - 16)));
    std::unordered_map<std::uint32_t, ByteView> map;
    while (pieces.left() >= 16) {
      const std::uint32_t number = pieces.u16();
      pieces.skip(6);
      const std::uint64_t length = pieces.u64();
      if (number == 0) break;  // the free rest
      const ByteView piece = pieces.take(length);
      if (!pieces.ok()) return refuse("the heap of texts is cut short");
      pieces.skip(std::min<std::uint64_t>((8 - length % 8) % 8, pieces.left()));
      map.emplace(number, piece);
    }
    found = heaps_.emplace(collection, std::move(map)).first;
  }
  const auto piece = found->second.find(index);
  if (piece == found->second.end()) return refuse("a text is missing from the heap of texts");
  return piece->second;
}

}  // namespace syn::hdf5
