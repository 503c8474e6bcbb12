// SYN_ASSERT(condition, values...): a bug of ours stops the program, in every build, with the values that broke it.
#pragma once

#include <string>

#include "core/text.hpp"

namespace syn {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const std::string& values);

template <class... Values>
std::string assertion_values(const Values&... values) {
  std::string out;
  ((text::append(out, ' '), text::append(out, values)), ...);
  return out;
}

}  // namespace syn

#define SYN_ASSERT(condition, ...) \
  (static_cast<bool>(condition)    \
       ? void(0)                   \
       : ::syn::assertion_failed(#condition, __FILE__, __LINE__, ::syn::assertion_values(__VA_ARGS__)))
