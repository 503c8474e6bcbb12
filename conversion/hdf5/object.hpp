// An object's header, parsed: what it is and where its bytes lie. Deliberately not here: the bytes themselves.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conversion/hdf5/cursor.hpp"

namespace syn::hdf5 {

struct Datatype {
  enum class Kind : std::uint8_t { integer, real, fixed_text, variable_text, sequence } kind = Kind::integer;
  std::uint32_t size = 0;  // bytes of one element in the file
  bool is_signed = false;
  bool big_endian = false;
  bool space_padded = false;  // fixed text
  // Of a sequence's numbers, whose signs and order of bytes are the two flags above.
  Kind element = Kind::integer;
  std::uint32_t element_size = 0;
};

struct Filter {
  std::uint16_t id = 0;
  std::vector<std::uint32_t> parameters;
};
inline constexpr std::uint16_t kDeflate = 1, kShuffle = 2;

struct Layout {
  enum class Kind : std::uint8_t { compact, contiguous, chunked } kind = Kind::contiguous;
  std::uint64_t address = kNowhere;  // of the bytes, or of the chunks' B-tree
  std::uint64_t size = 0;
  ByteView data;                     // compact
  std::vector<std::uint64_t> chunk;  // elements along each axis
};

struct SymbolTable {
  std::uint64_t tree = 0, heap = 0;
};

struct Object {
  std::optional<SymbolTable> table;                          // a group as h5py writes it
  std::vector<std::pair<std::string, std::uint64_t>> links;  // a small group as libver='latest' writes it
  bool compact_group = false;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<Datatype> type;
  std::optional<Layout> layout;
  std::vector<Filter> filters;

  bool group() const { return table || compact_group; }
};

// One message of a header. Empty text: understood (or of no concern); else why the object is refused.
std::string take_message(Object& object, std::uint16_t type, std::uint8_t flags, ByteView body);

}  // namespace syn::hdf5
