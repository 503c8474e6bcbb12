// ONNX files and tensors byte by byte, without libonnx: the tests must be able to say what no library would write.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace syn::onnx_bytes {

// A Protobuf message under construction.
struct Pb {
  std::string bytes;
  Pb& varint(std::uint64_t v) {
    for (; v >= 128; v >>= 7) bytes += static_cast<char>(v | 128);
    bytes += static_cast<char>(v);
    return *this;
  }
  Pb& integer(int field, std::int64_t v) {
    return varint(static_cast<std::uint64_t>(field) << 3).varint(static_cast<std::uint64_t>(v));
  }
  Pb& string(int field, const std::string& s) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2).varint(s.size());
    bytes += s;
    return *this;
  }
  Pb& add(int field, const Pb& sub) { return string(field, sub.bytes); }
  Pb& number(int field, float v) {
    varint(static_cast<std::uint64_t>(field) << 3 | 5);
    bytes.append(reinterpret_cast<const char*>(&v), 4);
    return *this;
  }
};

inline Pb ints(const std::string& name, const std::vector<std::int64_t>& values) {
  Pb out;
  out.string(1, name).integer(20, 7);
  for (const auto v : values) out.integer(8, v);
  return out;
}
inline Pb integer(const std::string& name, std::int64_t value) {
  return Pb().string(1, name).integer(3, value).integer(20, 2);
}
inline Pb number(const std::string& name, float value) {
  return Pb().string(1, name).number(2, value).integer(20, 1);
}
inline Pb text(const std::string& name, const std::string& value) {
  return Pb().string(1, name).string(4, value).integer(20, 3);
}

inline Pb node(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
               const std::string& output, const std::vector<Pb>& attributes = {}) {
  Pb out;
  for (const auto& input : inputs) out.string(1, input);
  out.string(2, output).string(3, name).string(4, type);
  for (const auto& attribute : attributes) out.add(5, attribute);
  return out;
}
template <class T>
Pb tensor(const std::string& name, const std::vector<std::int64_t>& dims, int type, const std::vector<T>& values) {
  Pb out;
  for (const auto d : dims) out.integer(1, d);
  out.integer(2, type).string(8, name).string(
      9, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  return out;
}
inline Pb floats(const std::string& name, const std::vector<std::int64_t>& dims, const std::vector<float>& values) {
  return tensor(name, dims, 1, values);
}
inline Pb int64s(const std::string& name, const std::vector<std::int64_t>& values) {
  return tensor(name, {static_cast<std::int64_t>(values.size())}, 7, values);
}
// dims: -1 is an open batch.
inline Pb value(const std::string& name, const std::vector<std::int64_t>& dims) {
  Pb shape;
  for (const auto d : dims) shape.add(1, d < 0 ? Pb().string(2, "N") : Pb().integer(1, d));
  return Pb().string(1, name).add(2, Pb().add(1, Pb().integer(1, 1).add(2, shape)));
}

struct File {
  std::vector<Pb> nodes, initializers, inputs = {value("x", {-1, 2, 4, 4})}, outputs = {Pb().string(1, "y")};
  std::int64_t opset = 13;
  Bytes bytes() const {
    Pb graph;
    for (const auto& n : nodes) graph.add(1, n);
    graph.string(2, "g");
    for (const auto& t : initializers) graph.add(5, t);
    for (const auto& v : inputs) graph.add(11, v);
    for (const auto& v : outputs) graph.add(12, v);
    const Pb model = Pb().integer(1, 7).add(7, graph).add(8, Pb().integer(2, opset));
    return {model.bytes.begin(), model.bytes.end()};
  }
};

// A TensorProto of floats, as the operator cases hold them.
struct Floats {
  std::vector<std::int64_t> dims;
  std::vector<float> values;
};
inline std::optional<Floats> parse_floats(const std::string& bytes) {
  Floats out;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t v = 0;
    for (int shift = 0; at < bytes.size(); shift += 7) {
      const auto b = static_cast<unsigned char>(bytes[at++]);
      v |= std::uint64_t{b & 127u} << shift;
      if (b < 128) break;
    }
    return v;
  };
  while (at < bytes.size()) {
    const std::uint64_t key = varint();
    if (key == (1 << 3)) {
      out.dims.push_back(static_cast<std::int64_t>(varint()));
    } else if ((key & 7) == 0) {
      varint();
    } else if ((key & 7) == 2) {
      const std::size_t size = varint();
      if (size > bytes.size() - at) return {};
      if (key >> 3 == 9 || key >> 3 == 4 || (key >> 3 == 1)) {
        if (key >> 3 == 1) {  // packed dims
          for (const std::size_t end = at + size; at < end;) out.dims.push_back(static_cast<std::int64_t>(varint()));
          continue;
        }
        out.values.resize(size / 4);
        if (size >= 4) std::memcpy(out.values.data(), bytes.data() + at, size / 4 * 4);
      }
      at += size;
    } else {
      return {};
    }
  }
  return out;
}

}  // namespace syn::onnx_bytes
