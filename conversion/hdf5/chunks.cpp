#include "conversion/hdf5/chunks.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/text.hpp"

namespace syn::hdf5 {
namespace {

constexpr std::uint64_t kInflation = 1040;  // deflate's greatest is 1032 : 1

struct Chunk {
  std::vector<std::uint64_t> at;  // its first element
  ByteView packed;
  std::uint32_t skipped = 0;  // a bit for each filter that was not applied
};

bool collect(File& file, std::uint64_t tree, std::size_t rank, int depth, std::vector<Chunk>& out) {
  auto in = file.from(tree, "the B-tree of an array's chunks");
  if (!in) return false;
  if (!in->take_text("TREE") || in->u8() != 1) return file.refuse("the B-tree of an array's chunks is damaged"), false;
  const int level = in->u8();
  if (depth > 8) return file.refuse("the B-tree of an array's chunks is too deep"), false;
  const std::size_t count = in->u16();
  in->skip(16);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t size = in->u32();
    Chunk chunk;
    chunk.skipped = in->u32();
    for (std::size_t axis = 0; axis < rank; ++axis) chunk.at.push_back(in->u64());
    in->skip(8);  // the axis of an element's bytes
    const std::uint64_t child = in->u64();
    if (!file.spend(32 + 8 * rank)) return false;
    if (!in->ok()) return file.refuse("the B-tree of an array's chunks is cut short"), false;
    if (level > 0) {
      if (!collect(file, child, rank, depth + 1, out)) return false;
      continue;
    }
    const auto packed = file.at(child, size, "a chunk");
    if (!packed) return false;
    chunk.packed = *packed;
    out.push_back(std::move(chunk));
  }
  return true;
}

bool inflate(ByteView packed, Bytes& out, std::size_t size) {
  out.resize(size);
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK) return false;
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(size);
  const int code = ::inflate(&stream, Z_FINISH);
  ::inflateEnd(&stream);
  return code == Z_STREAM_END && stream.avail_out == 0;
}

// Shuffled: the first bytes of all elements, then the second ones, and so on.
Bytes unshuffle(ByteView in, std::size_t size) {
  Bytes out(in.begin(), in.end());
  const std::size_t count = in.size() / size;
  for (std::size_t byte = 0; byte < size; ++byte) {
    for (std::size_t i = 0; i < count; ++i) out[i * size + byte] = in[byte * count + i];
  }
  return out;
}

std::optional<Bytes> unpack(File& file, const Object& object, const Chunk& chunk, std::size_t size) {
  Bytes bytes(chunk.packed.begin(), chunk.packed.end());
  for (std::size_t i = object.filters.size(); i-- > 0;) {
    if (chunk.skipped >> i & 1) continue;
    const Filter& filter = object.filters[i];
    if (filter.id == kDeflate) {
      Bytes out;
      if (!inflate(bytes, out, size)) return file.refuse("a chunk's gzip stream is damaged");
      bytes = std::move(out);
    } else {
      const std::size_t element = filter.parameters.empty() ? object.type->size : filter.parameters[0];
      if (element == 0 || bytes.size() % element != 0) return file.refuse("a shuffled chunk is damaged");
      bytes = unshuffle(bytes, element);
    }
  }
  if (bytes.size() != size)
    return file.refuse(text::cat("a chunk has ", bytes.size(), " bytes and should have ", size));
  return bytes;
}

// Copies the part of a chunk that lies inside the array, line by line along the last axis.
void place(const Chunk& chunk, ByteView from, const std::vector<std::uint64_t>& shape,
           const std::vector<std::uint64_t>& extent, std::size_t element, Bytes& to) {
  const std::size_t rank = shape.size();
  std::vector<std::uint64_t> index(rank, 0), most(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) most[axis] = std::min(extent[axis], shape[axis] - chunk.at[axis]);
  while (true) {
    std::uint64_t source = 0, target = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      source = source * extent[axis] + index[axis];
      target = target * shape[axis] + chunk.at[axis] + index[axis];
    }
    std::memcpy(to.data() + target * element, from.data() + source * element, most[rank - 1] * element);
    std::size_t axis = rank - 1;
    while (axis > 0 && ++index[axis - 1] == most[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

}  // namespace

std::optional<Bytes> read_chunks(File& file, const Object& object, std::uint64_t bytes) {
  const auto& shape = *object.shape;
  const auto& extent = object.layout->chunk;
  const std::size_t rank = shape.size();
  const std::uint64_t element = object.type->size;
  if (extent.size() != rank || object.layout->size != element) return file.refuse("chunks do not fit their array");
  if (object.layout->address == kNowhere) return file.unsupported("an array that was never written");

  std::vector<Chunk> chunks;
  if (!collect(file, object.layout->address, rank, 0, chunks)) return {};
  std::uint64_t size = element, expected = 1;  // of a chunk in bytes; how many chunks
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t along = (shape[axis] - 1) / extent[axis] + 1;
    if (extent[axis] > (std::uint64_t{1} << 31) / size) return file.refuse("a chunk declares more than 2 GiB");
    size *= extent[axis];
    expected = along > chunks.size() / expected ? chunks.size() + 1 : expected * along;
  }
  if (expected != chunks.size()) return file.unsupported("an array of which parts were never written");
  std::sort(chunks.begin(), chunks.end(), [](const Chunk& a, const Chunk& b) { return a.at < b.at; });
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (i > 0 && chunks[i].at == chunks[i - 1].at) return file.refuse("two chunks lie on the same place");
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (chunks[i].at[axis] >= shape[axis] || chunks[i].at[axis] % extent[axis] != 0)
        return file.refuse("a chunk lies outside its array");
    }
    if (size > 64 + kInflation * chunks[i].packed.size()) return file.refuse("a chunk is cut short");
  }
  if (!file.take_memory(size * chunks.size())) return {};
  Bytes out(static_cast<std::size_t>(bytes));
  for (const Chunk& chunk : chunks) {
    const auto plain = unpack(file, object, chunk, static_cast<std::size_t>(size));
    if (!plain) return {};
    place(chunk, *plain, shape, extent, static_cast<std::size_t>(element), out);
  }
  return out;
}

}  // namespace syn::hdf5
