#include "conversion/hdf5/data.hpp"
#include "conversion/hdf5/file.hpp"
#include "conversion/hdf5/tree.hpp"
#include "core/text.hpp"

namespace syn::hdf5 {
namespace {

std::optional<Group> read_group(File& file, const Object& group, const Limits& limits, std::size_t depth,
                                std::size_t& objects) {
  if (depth > limits.depth) return file.refuse(text::cat("groups lie more than ", limits.depth, " deep"));
  const auto children = file.children(group);
  if (!children) return {};
  Group out;
  for (const auto& [name, address] : *children) {
    const std::size_t length = file.path().size();
    file.path() += text::cat("/", name);
    if (++objects > limits.objects) return file.refuse(text::cat("there are more than ", limits.objects, " objects"));
    const auto object = file.object(address);
    if (!object) return {};
    Item item;
    if (object->group()) {
      auto inside = read_group(file, *object, limits, depth + 1, objects);
      if (!inside) return {};
      item.value = std::move(*inside);
    } else {
      auto array = read_array(file, *object);
      if (!array) return {};
      item = std::move(*array);
    }
    if (!out.emplace(name, std::move(item)).second) return file.refuse("two objects have this name");
    file.path().resize(length);
  }
  return out;
}

}  // namespace

Expected<Group> read(ByteView bytes, const std::string& where, const Limits& limits) {
  File file(bytes, where, limits);
  std::size_t objects = 0;
  std::optional<Group> out;
  if (const auto root = file.open()) {
    if (const auto object = file.object(*root)) {
      if (object->group()) {
        out = read_group(file, *object, limits, 0, objects);
      } else {
        file.refuse("its root is no group");
      }
    }
  }
  if (!out) return fail(file.trouble());
  return std::move(*out);
}

}  // namespace syn::hdf5
