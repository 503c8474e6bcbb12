#include "bench/peers/resident.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "bench/peers/race.hpp"
#include "bench/timing/machine.hpp"
#include "core/text.hpp"
#include "snn/model_file.hpp"

extern char** environ;

namespace syn::peers {
namespace {

constexpr std::size_t kImages = 64;

std::string joined(const std::vector<float>& values) {
  std::string out;
  for (const float value : values) out += text::cat(out.empty() ? "" : ",", value);
  return out;
}

}  // namespace

Expected<std::uint64_t> measure_resident(const Resident& of) {
  const auto images = data::load(of.data, data::Split::test, kImages);
  if (!images) return fail(images.error());
  const std::uint64_t before = bench::resident_bytes();
  std::optional<Runtime> runtime;
  Bytes network;
  Expected<std::unique_ptr<Contender>> contender;
  if (of.network.ends_with(".syn")) {
    const auto model = snn::load_model(of.network);
    if (!model) return fail(model.error());
    contender = make_synfire(*model, {}, of.normalisation);
  } else {
    std::ifstream in(of.network, std::ios::binary);
    network.assign(std::istreambuf_iterator<char>(in), {});
    auto loaded = Runtime::load(of.library);
    if (!loaded) return fail(loaded.error());
    runtime = std::move(*loaded);
    contender = make_onnxruntime(*runtime, {.onnx = network, .bytes = of.bytes, .classes = of.classes}, images->shape,
                                 of.normalisation);
  }
  if (!contender) return fail(contender.error());
  if (auto done = count_correct(**contender, *images); !done) return fail(done.error());
  return bench::peak_resident_bytes() - before;
}

std::optional<std::uint64_t> resident_in_child(const Resident& of) {
  std::vector<std::string> words{"/proc/self/exe", "--resident-of", of.network,  "--library",          of.library,
                                 "--data",         of.data,         "--classes", text::cat(of.classes)};
  if (of.bytes) words.push_back("--pixels");
  if (!of.normalisation.mean.empty()) words.insert(words.end(), {"--mean", joined(of.normalisation.mean)});
  if (!of.normalisation.std.empty()) words.insert(words.end(), {"--std", joined(of.normalisation.std)});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  std::string said;
  char buffer[256];
  for (ssize_t n = 0; !failed && (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe[0]);
  int status = 0;
  if (failed || ::waitpid(child, &status, 0) != child || status != 0 || said.empty()) return {};
  return std::strtoull(said.c_str(), nullptr, 10);
}

}  // namespace syn::peers
