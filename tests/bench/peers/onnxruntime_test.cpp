// The library through our own declaration of its interface. Without the library only what needs none is tested.
#include <doctest/doctest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "bench/peers/onnxruntime.hpp"
#include "bench/peers/quantise.hpp"
#include "conversion/ann/executor.hpp"
#include "conversion/onnx/write.hpp"
#include "tests/conversion/ann/nets.hpp"

namespace syn::peers {
namespace {

std::optional<Runtime> runtime() {
  const auto found = find_library("", SYN_SOURCE_DIR);
  if (!found) {
    MESSAGE("skipped: ONNX Runtime is not installed here (bench/peers/setup)");
    return {};
  }
  auto loaded = Runtime::load(*found);
  REQUIRE_MESSAGE(loaded, loaded.error().what);
  return *loaded;
}

ann::Graph small_net(Random& random) {
  const ann::Geometry same{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}};
  return nets::chain(
      {1, 12, 12},
      {nets::conv(random, 16, 1, same), ann::Relu{}, ann::AveragePool{{.kernel = {2, 2}, .stride = {2, 2}}},
       nets::conv(random, 16, 16, same), ann::Relu{}, ann::Flatten{}, nets::gemm(random, 10, 16 * 36)});
}
constexpr std::size_t kImages = 20, kClasses = 10;

struct Spread {
  double signal = 0, error = 0;  // root mean squares: of the scores around their mean, of the difference
};
Spread spread(std::span<const float> wanted, std::span<const float> got) {
  double mean = 0, signal = 0, error = 0;
  for (const float v : wanted) mean += double{v} / static_cast<double>(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    signal += (wanted[i] - mean) * (wanted[i] - mean);
    error += (double{wanted[i]} - got[i]) * (double{wanted[i]} - got[i]);
  }
  return {std::sqrt(signal / static_cast<double>(wanted.size())),
          std::sqrt(error / static_cast<double>(wanted.size()))};
}

}  // namespace

TEST_CASE("a library that is none, or is not ONNX Runtime, is refused by name") {
  const auto absent = Runtime::load("/nowhere/libonnxruntime.so.1");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().where == "/nowhere/libonnxruntime.so.1");
  const auto other = Runtime::load("libm.so.6");
  REQUIRE_FALSE(other);
  CHECK(other.error().what.find("not ONNX Runtime") != std::string::npos);
}

TEST_CASE("the table's entries are where we think: a float network gives our executor's scores, at any batch") {
  const auto library = runtime();
  if (!library) return;
  CHECK(library->version().starts_with("1."));
  SeededRandom random(1);
  const ann::Graph graph = small_net(random);
  const auto onnx = onnx_file::write(graph).value();
  const auto executor = ann::Executor::make(graph).value();
  const auto images = nets::images(random, {1, 12, 12}, kImages);
  std::vector<float> x(kImages * 144);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = images.pixels[i] / 255.f;
  const auto wanted = executor.run(x, 1);
  for (const std::int64_t batch : {1, 20}) {
    for (const std::uint32_t threads : {1u, 2u}) {
      auto session = Session::make(
          *library, onnx, {.threads = threads, .input_shape = {batch, 1, 12, 12}, .output_shape = {batch, 10}});
      REQUIRE_MESSAGE(session, session.error().what);
      const auto n = static_cast<std::size_t>(batch);
      for (std::size_t at = 0; at < kImages; at += n) {
        std::ranges::copy(std::span(x).subspan(at * 144, n * 144), session->floats().begin());
        const auto got = session->run();
        REQUIRE_MESSAGE(got, got.error().what);
        for (std::size_t i = 0; i < n * kClasses; ++i)
          CHECK((*got)[i] == doctest::Approx(wanted[at * kClasses + i]).epsilon(1e-3));
      }
    }
  }
}

TEST_CASE("ONNX Runtime turns the int8 network's pairs into integer kernels, and its scores stay close") {
  const auto library = runtime();
  if (!library) return;
  SeededRandom random(2);
  const ann::Graph graph = small_net(random);
  const auto images = nets::images(random, {1, 12, 12}, kImages);
  const auto quantised = quantise(graph, find_ranges(graph, images, {}, kImages).value(), {}).value();
  REQUIRE(quantised.bytes);
  const auto rewritten =
      std::filesystem::temp_directory_path() / ("synfire-peers-" + std::to_string(::getpid()) + ".onnx");
  auto session = Session::make(
      *library, quantised.onnx,
      {.input_shape = {20, 1, 12, 12}, .bytes = true, .output_shape = {20, 10}, .save_optimised = rewritten.string()});
  REQUIRE_MESSAGE(session, session.error().what);
  std::ranges::copy(images.pixels, session->pixels().begin());
  const auto got = session->run();
  REQUIRE_MESSAGE(got, got.error().what);
  std::vector<float> x(images.pixels.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = images.pixels[i] / 255.f;
  const auto [signal, error] = spread(ann::Executor::make(graph).value().run(x, 1), *got);
  // On x86 without VNNI the runtime's own kernels saturate where two products add up: 9 % there, 2 % elsewhere.
#if defined(__x86_64__)
  const double most = __builtin_cpu_supports("avx512vnni") ? 0.05 : 0.15;
#else
  const double most = 0.05;
#endif
  CHECK(error < most * signal);

  std::ifstream in(rewritten, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  std::filesystem::remove(rewritten);
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(bytes));
  std::multiset<std::string> types;
  for (const auto& node : model.graph().node()) types.insert(node.op_type());
  CHECK(types.count("QLinearConv") == 2);
  CHECK(types.count("QGemm") == 1);
  for (const char* none : {"Conv", "Gemm", "FusedConv", "DequantizeLinear"})
    CHECK_MESSAGE(types.count(none) == 0, none);
}

TEST_CASE("what the runtime refuses comes back as an error with its own words") {
  const auto library = runtime();
  if (!library) return;
  const Bytes rubbish(100, 0xee);
  const auto refused = Session::make(*library, rubbish, {.input_shape = {1}, .output_shape = {1}});
  REQUIRE_FALSE(refused);
  CHECK(!refused.error().what.empty());
  CHECK(refused.error().where.find(library->version()) != std::string::npos);
}

}  // namespace syn::peers
