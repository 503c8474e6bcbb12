// --report from end to end: the verbs write a page, and headless Chromium opens it without a console message and shows
// every plot.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/browser.hpp"
#include "tests/cli/program.hpp"
#include "tests/report/markup.hpp"

using syn::test::check_in_browser;
using syn::test::chromium;
using syn::test::Ended;
using syn::test::Folder;
using syn::test::open_in_browser;
using syn::test::Program;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

const std::string kStudent = std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx";

// Sixty images of stripes as two IDX files: both splits, so that eighteen conversions calibrate on few.
std::string stripes(const Folder& folder) {
  constexpr int kImages = 60, kSide = 28;
  const auto header = [](std::initializer_list<int> dimensions) {
    std::string bytes{'\0', '\0', '\x08', static_cast<char>(dimensions.size())};
    for (const int d : dimensions) bytes += {'\0', '\0', '\0', static_cast<char>(d)};
    return bytes;
  };
  std::string images = header({kImages, kSide, kSide}), labels = header({kImages});
  for (int i = 0; i < kImages; ++i) {
    for (int p = 0; p < kSide * kSide; ++p) {
      images += static_cast<char>((p / kSide * (i % 5) + p % kSide * (i % 7) + i) % 16 * 15);
    }
    labels += static_cast<char>(i % 10);
  }
  return "idx:" + folder.write("images.idx", images) + "," + folder.write("labels.idx", labels);
}

}  // namespace

TEST_CASE("the browser check notices a page with an error") {
  if (chromium().empty()) {
    MESSAGE("skipped: no Chromium here (./setup tests installs it)");
    return;
  }
  const Folder folder;
  const std::string html = "<!DOCTYPE html><html><body><p>x</p></body></html>";
  CHECK(open_in_browser(folder, html, "<script>nobody.knows()</script>", 800).console.find("nobody") !=
        std::string::npos);
}

TEST_CASE("eval writes a page about a network's conversions, and a browser shows every plot of it") {
  const Folder folder;
  const std::string path = folder / "eval.html";
  const Ended ended =
      synfire({"eval", kStudent, "--data", stripes(folder), "--report", path, "--json"}, std::chrono::seconds(600));
  REQUIRE_MESSAGE(ended.code == 0, ended.out << ended.err);
  CHECK(Json::parse(ended.out)["code"] == "float32");  // the answer is that of eval without a report
  const std::string html = syn::test::read(path);
  CHECK(syn::test::malformed(html) == "");
  CHECK(html.find("fashion-student.onnx") != std::string::npos);
  for (const char* code : {"volley", "phase", "step"}) CHECK(html.find(code) != std::string::npos);
  check_in_browser(folder, html,
                   {"accuracy-steps", "accuracy-work", "image", "answer", "spikes", "density", "rate", "latency-plot",
                    "energy-plot"});
}

TEST_CASE("run and sim write a page about the same mesh, with its placement and its edges") {
  const Folder folder;
  const std::string model = folder / "student.syn";
  REQUIRE(synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--steps", "8", "--calibration-images", "100",
                   "-o", model})
              .code == 0);
  std::string digests[2];
  for (const std::string verb : {"run", "sim"}) {
    const std::string path = folder / (verb + ".html");
    const Ended ended =
        synfire({verb, model, "--nodes", "3", "--data", "fashion-mnist", "--limit", "100", "--report", path, "--json"});
    REQUIRE_MESSAGE(ended.code == 0, ended.out << ended.err);
    const std::string html = syn::test::read(path);
    CHECK(syn::test::malformed(html) == "");
    const std::string digest = Json::parse(ended.out)["digest"];
    CHECK(html.find(digest) != std::string::npos);
    digests[verb == "sim"] = digest;
    check_in_browser(folder, html,
                     {"image", "answer", "spikes", "density", "rate", "edge-bytes", "latency-plot", "placement-plot",
                      "energy-plot"});
  }
  CHECK(digests[0] == digests[1]);
}

TEST_CASE("learn writes a page, and a browser shows how it went and every neuron") {
  const Folder folder;
  const std::string path = folder / "learn.html";
  const Ended ended = synfire({"learn", "--data", stripes(folder), "--images", "120", "--exam-every", "60", "--neurons",
                               "20", "--sim", "--report", path, "--json"});
  REQUIRE_MESSAGE(ended.code == 0, ended.out << ended.err);
  const std::string html = syn::test::read(path);
  CHECK(syn::test::malformed(html) == "");
  check_in_browser(folder, html, {"curve", "neurons"});
}

TEST_CASE("a report that cannot be written is said before the work starts") {
  const Folder folder;
  for (const std::string& path : {folder / "no/such/folder/report.html", folder / "."}) {
    const Ended ended =
        synfire({"eval", kStudent, "--data", "fashion-mnist", "--limit", "10", "--report", path, "--json"});
    CHECK(ended.code == 1);
    CHECK(Json::parse(ended.out)["error"]["where"] == path);
    CHECK(ended.err.find("float network") == std::string::npos);
  }
}
