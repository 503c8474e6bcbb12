// As much of ONNX Runtime's C interface as the comparison calls. The npm package ships the library without a header, so
// the facts of its binary interface stand here: `OrtGetApiBase` answers with two functions, of which the first hands
// out a table of function pointers for an interface version. A published version's table is never reordered (the
// library asserts it), so an entry is its index; all of these are in version 1, which every 1.x release still hands
// out. Private to bench/peers: only onnxruntime.cpp includes it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace syn::peers::ort {

inline constexpr std::uint32_t kInterfaceVersion = 1;
inline constexpr const char* kEntryPoint = "OrtGetApiBase";

struct Status;  // null: all is well
struct Env;
struct Session;
struct SessionOptions;
struct RunOptions;
struct Value;
struct MemoryInfo;
struct Allocator;

enum Logging { kLogErrors = 3 };
enum Optimisation { kOptimiseAll = 99 };
enum Element { kFloat32 = 1, kUint8 = 2 };
enum AllocatorKind { kDeviceAllocator = 0 };
enum MemoryKind { kDefaultMemory = 0 };

using Table = void (*const*)();

template <std::size_t kIndex, class Signature>
struct Entry;
template <std::size_t kIndex, class Result, class... Args>
struct Entry<kIndex, Result(Args...)> {
  static Result call(Table table, Args... args) {
    return reinterpret_cast<Result (*)(Args...)>(table[kIndex])(args...);
  }
};

using GetErrorMessage = Entry<2, const char*(const Status*)>;
using CreateEnv = Entry<3, Status*(int logging, const char* name, Env** out)>;
using CreateSessionFromArray =
    Entry<8, Status*(const Env*, const void* model, std::size_t bytes, const SessionOptions*, Session** out)>;
using Run =
    Entry<9, Status*(Session*, const RunOptions*, const char* const* input_names, const Value* const* inputs,
                     std::size_t n_inputs, const char* const* output_names, std::size_t n_outputs, Value** outputs)>;
using CreateSessionOptions = Entry<10, Status*(SessionOptions** out)>;
using SetOptimizedModelFilePath = Entry<11, Status*(SessionOptions*, const char* path)>;
using SetSessionGraphOptimizationLevel = Entry<23, Status*(SessionOptions*, int)>;
using SetIntraOpNumThreads = Entry<24, Status*(SessionOptions*, int)>;
using SetInterOpNumThreads = Entry<25, Status*(SessionOptions*, int)>;
using SessionGetInputCount = Entry<30, Status*(const Session*, std::size_t* out)>;
using SessionGetOutputCount = Entry<31, Status*(const Session*, std::size_t* out)>;
using SessionGetInputName = Entry<36, Status*(const Session*, std::size_t index, Allocator*, char** out)>;
using SessionGetOutputName = Entry<37, Status*(const Session*, std::size_t index, Allocator*, char** out)>;
using CreateTensorWithDataAsOrtValue =
    Entry<49, Status*(const MemoryInfo*, void* data, std::size_t bytes, const std::int64_t* shape, std::size_t rank,
                      int element, Value** out)>;
using CreateCpuMemoryInfo = Entry<69, Status*(int allocator_kind, int memory_kind, MemoryInfo** out)>;
using AllocatorFree = Entry<76, Status*(Allocator*, void*)>;
using GetAllocatorWithDefaultOptions = Entry<78, Status*(Allocator** out)>;
using ReleaseEnv = Entry<92, void(Env*)>;
using ReleaseStatus = Entry<93, void(Status*)>;
using ReleaseMemoryInfo = Entry<94, void(MemoryInfo*)>;
using ReleaseSession = Entry<95, void(Session*)>;
using ReleaseValue = Entry<96, void(Value*)>;
using ReleaseSessionOptions = Entry<100, void(SessionOptions*)>;

struct Base {
  Table (*table)(std::uint32_t version);  // null: this library does not know that version
  const char* (*version)();               // "1.30.0"
};

}  // namespace syn::peers::ort
