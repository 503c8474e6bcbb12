// The structures of one file in memory: superblock, object headers, groups, heaps. Every step is paid from a budget in
// proportion to the file's size, so that structures that point at each other in circles, or all at one place, end.
// The first trouble stays; every call after it fails at once.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "conversion/hdf5/object.hpp"
#include "conversion/hdf5/tree.hpp"
#include "core/error.hpp"

namespace syn::hdf5 {

class File {
 public:
  File(ByteView bytes, std::string where, const Limits& limits);

  // The root group's header address.
  std::optional<std::uint64_t> open();
  std::optional<Object> object(std::uint64_t address);
  // Names and header addresses.
  std::optional<std::vector<std::pair<std::string, std::uint64_t>>> children(const Object& group);
  // One piece of the global heap, where text of varying length lies.
  std::optional<ByteView> heap_piece(std::uint64_t collection, std::uint32_t index);

  // `size` bytes at an address, or trouble.
  std::optional<ByteView> at(std::uint64_t address, std::uint64_t size, const char* what);
  // From an address to the end of the file.
  std::optional<Cursor> from(std::uint64_t address, const char* what);
  bool spend(std::uint64_t work);
  bool take_memory(std::uint64_t size);  // from the limit on all arrays

  std::nullopt_t refuse(std::string what);       // what the file is: damaged
  std::nullopt_t unsupported(std::string what);  // what the file has, and we do not read
  Error trouble() const { return *trouble_; }
  std::string& path() { return path_; }  // the object at hand, for errors

 private:
  bool symbols(std::uint64_t tree, ByteView names, int depth, std::vector<std::pair<std::string, std::uint64_t>>& out);
  bool messages_1(Cursor in, std::size_t count, Object& out);
  bool messages_2(Cursor in, Object& out);

  ByteView bytes_;
  std::string where_, path_;
  std::uint64_t work_left_, memory_left_;
  std::optional<Error> trouble_;
  std::unordered_map<std::uint64_t, std::unordered_map<std::uint32_t, ByteView>> heaps_;
};

}  // namespace syn::hdf5
