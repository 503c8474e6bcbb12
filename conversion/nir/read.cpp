#include "conversion/nir/read.hpp"

#include <cmath>
#include <fstream>
#include <set>
#include <system_error>

#include "core/text.hpp"

namespace syn::nir {
namespace {

constexpr std::uintmax_t kGreatestFile = std::uintmax_t{1} << 30;
constexpr const char* kExport = "export the network again with the Python package nir, 1.0 or newer";

using hdf5::Group;
using hdf5::Item;
using hdf5::Numbers;
using hdf5::Texts;

std::optional<std::string> one_text(const Item& item) {
  const auto* texts = std::get_if<Texts>(&item.value);
  if (!texts || texts->values.size() != 1) return {};
  return texts->values[0];
}

// Fills one primitive from one group; the first trouble stays.
class Fields {
 public:
  Fields(const Group& group, std::string where) : group_(group), where_(std::move(where)) {}

  std::optional<Error> trouble;

  template <class T>
  bool operator()(const char* name, T& value) {
    const auto found = group_.find(name);
    if (found == group_.end()) return refuse(text::cat("the field '", name, "' is missing"));
    seen_.insert(name);
    name_ = name;
    return take(found->second, value);
  }
  template <class T>
  bool operator()(const char* name, std::optional<T>& value) {
    if (!group_.contains(name)) return true;
    value.emplace();
    return (*this)(name, *value);
  }

  // Everything in the file is understood, or it is not the network that it says.
  bool finish() {
    for (const auto& [name, item] : group_) {
      if (name == "type" || name == "metadata" || name == "input_type" || name == "output_type") continue;
      if (!seen_.contains(name)) return refuse(text::cat("the field '", name, "' is unknown"));
    }
    return true;
  }

 private:
  bool refuse(std::string what) {
    trouble = Error{std::move(what), where_, kExport};
    return false;
  }
  bool take(const Item& item, Tensor& out) {
    const auto* numbers = std::get_if<Numbers>(&item.value);
    if (!numbers) return refuse(text::cat("'", name_, "' is no array of numbers"));
    for (std::size_t i = 0; i < numbers->values.size(); ++i) {
      if (std::isfinite(numbers->values[i])) continue;
      return refuse(text::cat("'", name_, "' has ", std::isnan(numbers->values[i]) ? "NaN" : "an infinite number",
                              " at index ", i));
    }
    out = *numbers;
    return true;
  }
  bool take(const Item& item, Shape& out) {
    const auto* numbers = std::get_if<Numbers>(&item.value);
    if (!numbers || numbers->shape.size() > 1 || numbers->values.size() > 8)
      return refuse(text::cat("'", name_, "' is no list of sizes"));
    out.clear();
    for (const double v : numbers->values) {
      if (!(std::abs(v) <= double(kGreatestSize)) || v != std::floor(v))
        return refuse(text::cat("'", name_, "' has ", v, ", which is no size (the greatest is ", kGreatestSize, ")"));
      out.push_back(static_cast<std::int64_t>(v));
    }
    return true;
  }
  bool take(const Item& item, std::int64_t& out) {
    Shape list;
    if (!take(item, list)) return false;
    if (list.size() != 1) return refuse(text::cat("'", name_, "' is no single number"));
    out = list[0];
    return true;
  }
  bool take(const Item& item, Pair& out) {  // one number is both
    Shape list;
    if (!take(item, list)) return false;
    if (list.empty() || list.size() > 2) return refuse(text::cat("'", name_, "' is neither one number nor two"));
    out = {list.front(), list.back()};
    return true;
  }
  template <class Size>
  bool take(const Item& item, Padding<Size>& out) {
    using Kind = typename Padding<Size>::Kind;
    out.kind = Kind::zeros;
    const auto word = one_text(item);
    if (!word) return take(item, out.size);
    if (*word != "same" && *word != "valid")
      return refuse(text::cat("'", name_, "' is '", *word, "', not 'same', 'valid' or a number"));
    out.kind = *word == "same" ? Kind::same : Kind::valid;
    return true;
  }

  const Group& group_;
  std::string where_;
  std::set<std::string, std::less<>> seen_;
  const char* name_ = "";
};

class Reader {
 public:
  explicit Reader(std::string where) : file_(std::move(where)) {}

  std::optional<Error> trouble;

  bool graph(const Group& group, const std::string& path, std::size_t depth, Graph& out) {
    const auto nodes = group.find("nodes"), edges = group.find("edges");
    if (nodes == group.end() || !std::holds_alternative<Group>(nodes->second.value))
      return refuse("the field 'nodes' is missing", path);
    if (edges == group.end()) return refuse("the field 'edges' is missing", path);
    if (depth > kDeepest) return refuse(text::cat("subgraphs lie more than ", kDeepest, " deep"), path);
    for (const auto& [name, item] : group) {
      if (name != "nodes" && name != "edges" && name != "type" && name != "metadata" && name != "input_type" &&
          name != "output_type")
        return refuse(text::cat("the field '", name, "' is unknown"), path);
    }
    if (!metadata(group, path, out.metadata) || !read_edges(edges->second, path, out.edges)) return false;
    for (const auto& [name, item] : std::get<Group>(nodes->second.value)) {
      const std::string inside = text::cat(path, path.empty() ? "" : "/", name);
      const auto* fields = std::get_if<Group>(&item.value);
      if (!fields) return refuse("it is no node", inside);
      if (++count_ > kMostNodes) return refuse(text::cat("there are more than ", kMostNodes, " nodes"), path);
      if (!node(*fields, inside, depth, out.nodes[name])) return false;
    }
    return true;
  }

  std::optional<std::string> type(const Group& group, const std::string& path) {
    const auto found = group.find("type");
    if (found == group.end()) return refuse("the field 'type' is missing", path), std::nullopt;
    auto name = one_text(found->second);
    if (!name) refuse("'type' is no text", path);
    return name;
  }
  bool refuse(std::string what, const std::string& path) {
    if (!trouble) trouble = Error{std::move(what), where(path), kExport};
    return false;
  }

 private:
  std::string where(const std::string& path) const {
    return path.empty() ? file_ : text::cat(file_, ", node '", path, "'");
  }

  bool metadata(const Group& group, const std::string& path, Metadata& out) {
    const auto found = group.find("metadata");
    if (found == group.end()) return true;
    const auto* fields = std::get_if<Group>(&found->second.value);
    if (!fields) return refuse("'metadata' is no group", path);
    out = *fields;
    return true;
  }

  bool read_edges(const Item& item, const std::string& path, std::vector<Edge>& out) {
    if (const auto* none = std::get_if<Numbers>(&item.value); none && none->values.empty()) return true;
    const auto* texts = std::get_if<Texts>(&item.value);
    if (!texts || (!texts->values.empty() && (texts->shape.size() != 2 || texts->shape[1] != 2)))
      return refuse("'edges' are no pairs of names", path);
    for (std::size_t i = 0; i + 1 < texts->values.size(); i += 2)
      out.emplace_back(texts->values[i], texts->values[i + 1]);
    return true;
  }

  template <std::size_t Index = 0>
  bool primitive(std::string_view name, const Group& group, const std::string& path, std::size_t depth,
                 Primitive& out) {
    if constexpr (Index == std::variant_size_v<Primitive>) {
      return refuse(text::cat("the type '", name, "' is none of the 19 of NIR 1.x"), path);
    } else {
      using P = std::variant_alternative_t<Index, Primitive>;
      if (name != P::kType) return primitive<Index + 1>(name, group, path, depth, out);
      if constexpr (std::is_same_v<P, Subgraph>) {
        Graph inside;
        if (!graph(group, path, depth + 1, inside)) return false;
        out = Subgraph{std::make_shared<const Graph>(std::move(inside))};
        return true;
      } else {
        Fields fields(group, where(path));
        P value;
        if (!P::each(value, fields) || !fields.finish()) return trouble = std::move(fields.trouble), false;
        out = std::move(value);
        return true;
      }
    }
  }

  bool node(const Group& group, const std::string& path, std::size_t depth, Node& out) {
    const auto name = type(group, path);
    if (!name || !primitive(*name, group, path, depth, out.primitive)) return false;
    return *name == Subgraph::kType || metadata(group, path, out.metadata);
  }

  std::string file_;
  std::size_t count_ = 0;
};

}  // namespace

Expected<Graph> read(ByteView bytes, const std::string& where) {
  const auto tree = hdf5::read(bytes, where, {.objects = 20 * kMostNodes, .depth = 2 * kDeepest + 8});
  if (!tree) return fail(tree.error());
  const auto top = tree->find("node");
  const Group* node = top == tree->end() ? nullptr : std::get_if<Group>(&top->second.value);
  if (!node) return fail("the HDF5 file has no NIR network (no group 'node')", where, kExport);
  Reader reader(where);
  Graph out;
  const auto type = reader.type(*node, "");
  if (type && *type != Subgraph::kType)
    reader.refuse(text::cat("the file has a single '", *type, "' and no graph"), "");
  if (!type || reader.trouble || !reader.graph(*node, "", 0, out)) return fail(*reader.trouble);
  if (const auto version = tree->find("version"); version != tree->end()) {
    out.version = one_text(version->second);
    if (!out.version) return fail("'version' is no text", where, kExport);
  }
  return out;
}

Expected<Graph> read(const std::filesystem::path& file) {
  const std::string where = file.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return fail("no such file", where, "check the path");
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error || size > kGreatestFile) return fail("the file is larger than 1 GiB", where, "split the network");
  Bytes bytes(size);
  std::ifstream in(file, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    return fail("the file cannot be read", where, "check its permissions");
  return read(bytes, where);
}

}  // namespace syn::nir
