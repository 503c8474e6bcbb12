// What reads bytes from outside, one function a reader. Each takes any input at all and asserts what must hold: nothing
// crashes or hangs, memory is bounded by the input, errors say what, where and what to do, and what is accepted can be
// written and read again without change.
//
// Two programs call them: libFuzzer (main_fuzz.cpp, one executable a target, preset `fuzz`) and replay_test.cpp, which
// hands the kept corpora to every target in every build, so that a crash once found stays found without clang.
// Deliberately not here: where inputs come from (corpus/, seeds.cpp).
#pragma once

#include <span>
#include <string_view>

#include "core/assert.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::fuzz {

void frame(ByteView input);    // any frame: header, payload, packed counts
void control(ByteView input);  // the Protobuf payload behind a header that is right
void toml(ByteView input);     // the daemon's and the cluster's configuration, device profiles
void npy(ByteView input);
void nir(ByteView input);   // HDF5, the graph, its shapes
void idx(ByteView input);   // plain, gzip, and pairs of images and labels
void events(ByteView input);  // recordings of every format
void onnx(ByteView input);  // the file, its shapes, and a run when it is small
void state(ByteView input);  // of plastic synapses and of float models, stored over a restart
void syn(ByteView input);   // the model file, its engine, and a run when it is small

// One parameter from the front of the input; zeros when it is too short.
inline std::uint8_t take_byte(ByteView& input) {
  if (input.empty()) return 0;
  const std::uint8_t byte = input.front();
  input = input.subspan(1);
  return byte;
}

inline void check(const Error& error) {
  SYN_ASSERT(!error.what.empty(), error.where, error.todo);
  SYN_ASSERT(!error.where.empty(), error.what, error.todo);
  SYN_ASSERT(!error.todo.empty(), error.what, error.where);
}
// True if there is a value; else the error is a good one.
template <class T>
bool accepted(const Expected<T>& result) {
  if (!result) check(result.error());
  return result.has_value();
}

struct Target {
  std::string_view name;
  void (*run)(ByteView);
};

}  // namespace syn::fuzz
