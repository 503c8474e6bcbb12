// PKWARE's APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
#include "conversion/data/npz.hpp"

#include <zlib.h>

#include "core/text.hpp"

namespace syn::data {
namespace {

void put(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
void put(Bytes& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
}

// What the two headers of a member have in common.
void common(Bytes& out, const Member& member, const std::string& name) {
  put(out, 20, 2);          // version needed
  put(out, 1 << 11, 2);     // names are UTF-8
  put(out, 0, 2);           // stored
  put(out, 0, 2);           // time
  put(out, 1 << 5 | 1, 2);  // 1 January 1980
  put(out, ::crc32_z(0, member.npy.data(), member.npy.size()), 4);
  put(out, member.npy.size(), 4);
  put(out, member.npy.size(), 4);
  put(out, name.size(), 2);
  put(out, 0, 2);  // extra field
}

}  // namespace

Expected<Bytes> write_npz(const std::vector<Member>& members, const std::string& where) {
  std::uint64_t size = 22;
  for (const Member& member : members) size += 2 * (member.name.size() + 4) + 76 + member.npy.size();
  if (size > 0xffffffff || members.size() > 65535)
    return fail(text::cat("the archive would have ", size, " bytes in ", members.size(), " members"), where,
                "record fewer samples or steps");
  Bytes out, directory;
  out.reserve(size);
  for (const Member& member : members) {
    const std::string name = member.name + ".npy";
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);  // version made by
    common(directory, member, name);
    put(directory, 0, 2);  // comment
    put(directory, 0, 2);  // disk
    put(directory, 0, 2);  // attributes: internal
    put(directory, 0, 4);  // and external
    put(directory, out.size(), 4);
    put(directory, name);
    put(out, 0x04034b50, 4);
    common(out, member, name);
    put(out, name);
    out.insert(out.end(), member.npy.begin(), member.npy.end());
  }
  const std::size_t at = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50, 4);
  put(out, 0, 4);  // disks
  put(out, members.size(), 2);
  put(out, members.size(), 2);
  put(out, directory.size(), 4);
  put(out, at, 4);
  put(out, 0, 2);  // comment
  return out;
}

}  // namespace syn::data
