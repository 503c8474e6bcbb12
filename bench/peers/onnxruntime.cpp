#include "bench/peers/onnxruntime.hpp"

#include <dlfcn.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "bench/peers/ort_abi.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::peers {

namespace fs = std::filesystem;

struct Runtime::Impl {
  std::string path, version;
  ort::Table table = nullptr;
  ort::Env* env = nullptr;

  Impl() = default;
  Impl(const Impl&) = delete;
  ~Impl() {
    if (env) ort::ReleaseEnv::call(table, env);
  }

  Expected<> check(ort::Status* status, const char* doing) const {
    if (!status) return {};
    std::string says = ort::GetErrorMessage::call(table, status);
    ort::ReleaseStatus::call(table, status);
    return fail(std::move(says), text::cat("ONNX Runtime ", version, ", ", doing),
                "see whether this version of the library knows the network's operators");
  }
};

Expected<Runtime> Runtime::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* reason = ::dlerror();
    return fail(text::cat("the library cannot be loaded: ", reason ? reason : "no reason given"), path,
                "run bench/peers/setup, or give --library");
  }
  const auto base_of = reinterpret_cast<const ort::Base* (*)()>(::dlsym(library, ort::kEntryPoint));
  if (!base_of) {
    return fail(text::cat("it has no ", ort::kEntryPoint, ": it is not ONNX Runtime"), path,
                "name libonnxruntime.so.1 of the npm package onnxruntime-node");
  }
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  impl->version = base_of()->version();
  // A second major version may number its entries anew; calling by index would then be a shot in the dark.
  impl->table = impl->version.starts_with("1.") ? base_of()->table(ort::kInterfaceVersion) : nullptr;
  if (!impl->table) {
    return fail(text::cat("it is ONNX Runtime ", impl->version, ", which does not offer version ",
                          ort::kInterfaceVersion, " of the C interface"),
                path, "use a 1.x release; bench/peers/package.json names the one this was tried with");
  }
  if (auto made = impl->check(ort::CreateEnv::call(impl->table, ort::kLogErrors, "synfire", &impl->env), "starting");
      !made) {
    return fail(made.error());
  }
  return Runtime(std::move(impl));
}

const std::string& Runtime::version() const {
  return impl_->version;
}

const std::string& Runtime::path() const {
  return impl_->path;
}

Expected<std::string> find_library(const std::string& given, const std::string& folder) {
  if (!given.empty()) return given;
  if (const char* named = std::getenv("SYN_ONNXRUNTIME"); named && *named) return std::string(named);
  utsname machine{};
  ::uname(&machine);
  const std::string_view cpu = std::string_view(machine.machine) == "aarch64" ? "arm64" : "x64";
  const fs::path package = fs::path(folder) / "build/peers/node_modules/onnxruntime-node/bin";
  std::error_code trouble;
  for (const fs::directory_entry& entry : fs::directory_iterator(package, trouble)) {  // napi-v3, napi-v6, ...
    const fs::path file = entry.path() / "linux" / cpu / "libonnxruntime.so.1";
    if (fs::exists(file, trouble)) return file.string();
  }
  return fail("ONNX Runtime's library is not there", package.string(),
              "run bench/peers/setup in the repository, or give --library or SYN_ONNXRUNTIME");
}

// Values point into `in` and `out`; the sizes never change.
struct Session::Impl {
  std::shared_ptr<const Runtime::Impl> runtime;
  ort::Session* session = nullptr;
  ort::MemoryInfo* memory = nullptr;
  ort::Value *input = nullptr, *output = nullptr;
  std::string input_name, output_name;
  std::vector<float> in, out;
  std::vector<std::uint8_t> in_bytes;

  explicit Impl(std::shared_ptr<const Runtime::Impl> r) : runtime(std::move(r)) {}
  Impl(const Impl&) = delete;
  ~Impl() {
    if (output) ort::ReleaseValue::call(runtime->table, output);
    if (input) ort::ReleaseValue::call(runtime->table, input);
    if (memory) ort::ReleaseMemoryInfo::call(runtime->table, memory);
    if (session) ort::ReleaseSession::call(runtime->table, session);
  }

  Expected<> open(ByteView model, const Options& options) {
    const ort::Table table = runtime->table;
    ort::SessionOptions* made = nullptr;
    if (auto ok = runtime->check(ort::CreateSessionOptions::call(table, &made), "making options"); !ok) return ok;
    const auto release = [table](ort::SessionOptions* o) { ort::ReleaseSessionOptions::call(table, o); };
    const std::unique_ptr<ort::SessionOptions, decltype(release)> settings(made, release);
    ort::Status* const set[] = {
        ort::SetIntraOpNumThreads::call(table, made, static_cast<int>(options.threads)),
        ort::SetInterOpNumThreads::call(table, made, 1),
        ort::SetSessionGraphOptimizationLevel::call(table, made, ort::kOptimiseAll),
        options.save_optimised.empty()
            ? nullptr
            : ort::SetOptimizedModelFilePath::call(table, made, options.save_optimised.c_str()),
    };
    Expected<> all;
    for (ort::Status* status : set) {  // each is looked at, so that each is released
      if (auto ok = runtime->check(status, "setting options"); !ok) all = ok;
    }
    if (!all) return all;
    return runtime->check(
        ort::CreateSessionFromArray::call(table, runtime->env, model.data(), model.size(), made, &session),
        "reading the network");
  }

  Expected<> name_ends() {
    const ort::Table table = runtime->table;
    std::size_t inputs = 0, outputs = 0;
    if (auto ok = runtime->check(ort::SessionGetInputCount::call(table, session, &inputs), "counting inputs"); !ok)
      return ok;
    if (auto ok = runtime->check(ort::SessionGetOutputCount::call(table, session, &outputs), "counting outputs"); !ok)
      return ok;
    if (inputs != 1 || outputs != 1) {
      return fail(text::cat("the network has ", inputs, " inputs and ", outputs, " outputs"), "the ONNX file",
                  "compare networks with one of each");
    }
    ort::Allocator* allocator = nullptr;
    char *first = nullptr, *last = nullptr;
    if (auto ok = runtime->check(ort::GetAllocatorWithDefaultOptions::call(table, &allocator), "allocating"); !ok)
      return ok;
    auto ok = runtime->check(ort::SessionGetInputName::call(table, session, 0, allocator, &first), "naming the input");
    if (ok) {
      input_name = first;
      ok = runtime->check(ort::AllocatorFree::call(table, allocator, first), "freeing a name");
    }
    if (ok)
      ok = runtime->check(ort::SessionGetOutputName::call(table, session, 0, allocator, &last), "naming the output");
    if (ok) {
      output_name = last;
      ok = runtime->check(ort::AllocatorFree::call(table, allocator, last), "freeing a name");
    }
    return ok;
  }

  Expected<> bind(const Options& options) {
    const ort::Table table = runtime->table;
    if (auto ok = runtime->check(
            ort::CreateCpuMemoryInfo::call(table, ort::kDeviceAllocator, ort::kDefaultMemory, &memory), "allocating");
        !ok) {
      return ok;
    }
    const auto size = [](const std::vector<std::int64_t>& shape) {
      std::size_t n = 1;
      for (const std::int64_t dim : shape) n *= static_cast<std::size_t>(dim);
      return n;
    };
    void* data = nullptr;
    std::size_t bytes = size(options.input_shape);
    if (options.bytes) {
      in_bytes.resize(bytes);
      data = in_bytes.data();
    } else {
      in.resize(bytes);
      data = in.data();
      bytes *= sizeof(float);
    }
    out.resize(size(options.output_shape));
    if (auto ok = runtime->check(ort::CreateTensorWithDataAsOrtValue::call(
                                     table, memory, data, bytes, options.input_shape.data(), options.input_shape.size(),
                                     options.bytes ? ort::kUint8 : ort::kFloat32, &input),
                                 "making the input");
        !ok) {
      return ok;
    }
    return runtime->check(ort::CreateTensorWithDataAsOrtValue::call(
                              table, memory, out.data(), out.size() * sizeof(float), options.output_shape.data(),
                              options.output_shape.size(), ort::kFloat32, &output),
                          "making the output");
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Expected<Session> Session::make(const Runtime& runtime, ByteView model, const Options& options) {
  auto impl = std::make_unique<Impl>(runtime.impl());
  if (auto ok = impl->open(model, options); !ok) return fail(ok.error());
  if (auto ok = impl->name_ends(); !ok) return fail(ok.error());
  if (auto ok = impl->bind(options); !ok) return fail(ok.error());
  return Session(std::move(impl));
}

std::span<float> Session::floats() {
  SYN_ASSERT(!impl_->in.empty());
  return impl_->in;
}
std::span<std::uint8_t> Session::pixels() {
  SYN_ASSERT(!impl_->in_bytes.empty());
  return impl_->in_bytes;
}

Expected<std::span<const float>> Session::run() {
  const char *const in_names[] = {impl_->input_name.c_str()}, *const out_names[] = {impl_->output_name.c_str()};
  const ort::Value* const inputs[] = {impl_->input};
  ort::Value* outputs[] = {impl_->output};
  ort::Status* status =
      ort::Run::call(impl_->runtime->table, impl_->session, nullptr, in_names, inputs, 1, out_names, 1, outputs);
  if (auto ok = impl_->runtime->check(status, "running"); !ok) return fail(ok.error());
  return std::span<const float>(impl_->out);
}

}  // namespace syn::peers
