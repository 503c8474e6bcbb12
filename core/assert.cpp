#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace syn {

void assertion_failed(const char* condition, const char* file, int line, const std::string& values) {
  std::fprintf(stderr, "synfire: a bug: %s is false at %s:%d;%s\nplease report it with these lines\n", condition, file,
               line, values.empty() ? " no values" : values.c_str());
  std::abort();
}

}  // namespace syn
