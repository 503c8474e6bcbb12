// Events with fields, not sentences. Who prints them, and how (JSON lines or text), is decided where a node is put
// together.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text.hpp"

namespace syn {

enum class Level : std::uint8_t { debug, info, warn, error };

struct Field {
  std::string_view name;
  std::string value;
  bool quoted;  // false for numbers and booleans

  template <class T>
  Field(std::string_view n, const T& v)
      : name(n), value(text::cat(v)), quoted(!(std::is_arithmetic_v<T> || std::is_enum_v<T>)) {}
};

class Log {
 public:
  virtual ~Log() = default;
  // `name` is a constant in lower case with underscores: "peer_lost".
  virtual void event(Level level, std::string_view name, std::initializer_list<Field> fields) = 0;
};

class NullLog final : public Log {
 public:
  void event(Level, std::string_view, std::initializer_list<Field>) override {}
};

}  // namespace syn
