#include "tests/cli/browser.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

namespace syn::test {
namespace {

using Json = nlohmann::json;

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

std::string console_lines(const std::string& err) {
  std::string lines;
  std::istringstream in(err);
  for (std::string line; std::getline(in, line);) {
    if (line.find("CONSOLE") != std::string::npos) lines += line + "\n";
  }
  return lines;
}

}  // namespace

std::string chromium() {
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

Opened open_in_browser(const Folder& folder, std::string html, const std::string& extra, int width) {
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
    const Opened opened = open_in_browser(folder, html, "", width);
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

}  // namespace syn::test
