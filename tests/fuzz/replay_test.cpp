// Every kept input, once, in every build: what a fuzzer found and what was mended stays so.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/targets.hpp"

using namespace syn;
namespace fs = std::filesystem;

namespace {

constexpr fuzz::Target kTargets[] = {{"control", fuzz::control}, {"events", fuzz::events}, {"frame", fuzz::frame},
                                     {"idx", fuzz::idx},         {"nir", fuzz::nir},       {"npy", fuzz::npy},
                                     {"onnx", fuzz::onnx},       {"state", fuzz::state},   {"syn", fuzz::syn},
                                     {"toml", fuzz::toml}};

}  // namespace

TEST_CASE("every kept input is taken or refused as it should be, and whatever it is cut down to") {
  for (const fuzz::Target& target : kTargets) {
    CAPTURE(target.name);
    target.run({});
    std::size_t inputs = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(SYN_SOURCE_DIR) / "tests/fuzz/corpus" / target.name)) {
      CAPTURE(entry.path().string());
      std::ifstream in(entry.path(), std::ios::binary);
      const Bytes bytes{std::istreambuf_iterator<char>(in), {}};
      target.run(bytes);
      for (const std::size_t cut : {bytes.size() / 2, bytes.size() - bytes.size() / 8}) {
        target.run(ByteView(bytes).first(std::min(cut, bytes.size())));
      }
      ++inputs;
    }
    CHECK(inputs >= 5);  // an empty folder would pass everything
  }
}
