// ONNX Runtime as a library found at run time: nothing here needs it to build. One session runs one network on one
// number of threads with fixed buffers, so that a timed call allocates nothing of ours.
// Deliberately not here: other execution providers than the CPU, strings, sequences, several inputs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::peers {

class Runtime {
 public:
  // Refuses a library that is not ONNX Runtime 1.x, naming what it says it is. It stays loaded until the program ends.
  static Expected<Runtime> load(const std::string& path);
  const std::string& version() const;
  const std::string& path() const;

  struct Impl;
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  explicit Runtime(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Where the library is: `given` (--library), else SYN_ONNXRUNTIME, else what bench/peers/setup has put into
// `folder`/build/peers. An error says how to get it.
Expected<std::string> find_library(const std::string& given, const std::string& folder);

class Session {
 public:
  struct Options {
    std::uint32_t threads = 1;
    std::vector<std::int64_t> input_shape;  // with the batch
    bool bytes = false;                     // the input is uint8, else float32
    std::vector<std::int64_t> output_shape;
    std::string save_optimised = {};  // where to write the network as the runtime has rewritten it; empty: nowhere
  };
  static Expected<Session> make(const Runtime& runtime, ByteView model, const Options& options);

  std::span<float> floats();         // the input, to be filled before each run
  std::span<std::uint8_t> pixels();  // the same where `bytes`
  Expected<std::span<const float>> run();

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::peers
