// Trouble, sorted by whose fault it is (docs/style.md):
//   ours (a bug)                          SYN_ASSERT, core/assert.hpp
//   the world's (bad file, lost peer)     Expected<T>, here
//   the operator's (wrong configuration)  UsageError, thrown at start and caught once in main: exit code 2
// Every message says what went wrong, where, and what to do about it.
#pragma once

#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

namespace syn {

struct Error {
  std::string what;   // "the tensor 'conv1.weight' is cut short: 1,024 of 4,608 bytes"
  std::string where;  // "models/student.onnx, node 'conv1'"
  std::string todo;   // "export the model again"; printed as `do` in JSON
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Expected = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string what, std::string where, std::string todo) {
  return std::unexpected(Error{std::move(what), std::move(where), std::move(todo)});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

class UsageError : public std::runtime_error {
 public:
  explicit UsageError(Error error) : std::runtime_error(error.what), error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace syn
