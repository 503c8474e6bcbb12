// Image and label files; one byte chooses: the file as it is, the input packed with gzip first (or no mutation would
// ever get past its checksum), or images and labels together.
#include "conversion/data/idx.hpp"

#include <algorithm>

#include "conversion/data/dataset.hpp"
#include "tests/conversion/data/files.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

void one(ByteView bytes) {
  const MemoryFile file(bytes);
  const auto whole = data::read_idx(file.path(), 1, 4, {});
  if (!accepted(whole)) return;
  std::size_t size = 1;
  for (const std::size_t dim : whole->dims) size *= dim;
  SYN_ASSERT(size == whole->bytes.size(), size, whole->bytes.size());
  const auto first = data::read_idx(file.path(), 1, 4, 1);
  SYN_ASSERT(first.has_value(), first.error().what);
  SYN_ASSERT(first->dims == whole->dims && first->bytes.size() == size / whole->dims[0]);
  SYN_ASSERT(std::ranges::equal(first->bytes, ByteView(whole->bytes).first(first->bytes.size())));
}

void pair(ByteView bytes) {
  const std::size_t images = std::min<std::size_t>(bytes.size(), std::size_t{take_byte(bytes)} * 8);
  const MemoryFile image_file(bytes.first(std::min(images, bytes.size())));
  const MemoryFile label_file(bytes.subspan(std::min(images, bytes.size())));
  const std::string spec = text::cat("idx:", image_file.path().string(), ",", label_file.path().string());
  const auto loaded = data::load(spec, data::Split::train);
  if (!accepted(loaded)) return;
  SYN_ASSERT(loaded->count > 0 && loaded->labels.size() == loaded->count);
  SYN_ASSERT(loaded->pixels.size() == loaded->count * loaded->shape.size());
  SYN_ASSERT(std::ranges::all_of(loaded->labels, [&](std::uint8_t label) { return label < loaded->classes; }));
}

}  // namespace

void idx(ByteView input) {
  switch (take_byte(input) % 3) {
    case 0:
      return one(input);
    case 1:
      return one(test::gzip(input));
    default:
      return pair(input);
  }
}

}  // namespace syn::fuzz
