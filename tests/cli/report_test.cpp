// --report from end to end: the verbs write a page, and headless Chromium opens it without a console message and shows
// every plot. The page has no script; the one that measures is put into a copy of it here.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.hpp"
#include "tests/report/markup.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::Program;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

const std::string kStudent = std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx";

// Boxes of all drawings that have a name, texts that stick out of theirs, and how far the page itself sticks out.
constexpr const char* kMeasure = R"(<script>
addEventListener('load', () => {
  const drawings = {}, outside = [];
  for (const svg of document.querySelectorAll('svg[id]')) {
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    drawings[svg.id] = {width: box.width, height: box.height, shapes: svg.querySelectorAll('rect,path,circle').length};
    for (const text of svg.querySelectorAll('text')) {
      const b = text.getBBox();
      if (b.x < -1 || b.y < -1 || b.x + b.width > view.width + 1 || b.y + b.height > view.height + 1)
        outside.push(svg.id + ': ' + text.textContent);
    }
  }
  const page = document.documentElement;
  page.dataset.measured = JSON.stringify({drawings, outside, wide: page.scrollWidth - innerWidth});
});
</script>)";

std::string chromium() {
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

std::string console_lines(const std::string& err) {
  std::string lines;
  std::istringstream in(err);
  for (std::string line; std::getline(in, line);) {
    if (line.find("CONSOLE") != std::string::npos) lines += line + "\n";
  }
  return lines;
}

struct Opened {
  Json measured;
  std::string console;
};
Opened open(const Folder& folder, std::string html, const std::string& extra, int width) {
  const auto end = html.rfind("</body>");
  REQUIRE(end != std::string::npos);
  html.insert(end, kMeasure + extra);
  const std::string page = folder.write("measured.html", html);
  Program browser({chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                   "--user-data-dir=" + (folder / "profile"), "--window-size=" + std::to_string(width) + ",1000",
                   "--virtual-time-budget=5000", "--dump-dom", "file://" + page});
  const Ended ended = browser.wait(std::chrono::seconds(120));
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const std::string key = "data-measured=\"";
  const auto at = ended.out.find(key);
  REQUIRE_MESSAGE(at != std::string::npos, ended.err);
  std::string value = ended.out.substr(at + key.size(), ended.out.find('"', at + key.size()) - at - key.size());
  for (auto q = value.find("&quot;"); q != std::string::npos; q = value.find("&quot;")) value.replace(q, 6, "\"");
  return {Json::parse(value), console_lines(ended.err)};
}

void check_in_browser(const Folder& folder, const std::string& html, const std::vector<std::string>& plots) {
  if (chromium().empty()) {
    MESSAGE("skipped: no Chromium here (./setup tests installs it)");
    return;
  }
  for (const int width : {1200, 500}) {
    const Opened opened = open(folder, html, "", width);
    CHECK(opened.console == "");
    CHECK_MESSAGE(opened.measured["outside"].empty(), opened.measured["outside"].dump());
    CHECK(opened.measured["wide"].get<double>() <= 0);
    for (const std::string& plot : plots) {
      REQUIRE_MESSAGE(opened.measured["drawings"].contains(plot), plot);
      const Json& box = opened.measured["drawings"][plot];
      CHECK_MESSAGE(box["width"].get<double>() > 50, plot);
      CHECK_MESSAGE(box["height"].get<double>() > 50, plot);
      CHECK_MESSAGE(box["shapes"].get<int>() > 3, plot);
    }
  }
}

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
  CHECK(open(folder, html, "<script>nobody.knows()</script>", 800).console.find("nobody") != std::string::npos);
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
