// bench_kernels as a user runs it. Its figures are not looked at: other tests run beside this one.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "snn/kernels/kernels.hpp"
#include "tests/cli/browser.hpp"
#include "tests/report/markup.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::Program;

namespace {

Ended bench_kernels(std::vector<std::string> words) {
  words.insert(words.begin(), syn::test::binary("bench_kernels"));
  return Program(std::move(words)).wait(std::chrono::seconds(250));
}

}  // namespace

TEST_CASE("bench_kernels gives one JSON object and a page that a browser shows") {
  const Folder folder;
  const std::string table = syn::snn::kernels::available().front()->name, path = folder / "kernels.html";
  const Ended ended = bench_kernels({"--table", table, "--rounds", "1", "--lap-us", "1", "--json", "--report", path});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const auto json = nlohmann::json::parse(ended.out);
  CHECK(json["tables"].size() == 1);
  CHECK(json["tables"][0]["table"] == table);
  CHECK(json["figures"].size() > 10);
  for (const auto& layer : json["tables"][0]["layers"]) {
    CHECK(layer["engine_ns"]["median"].is_number());  // of one call, less a copy: below zero on a busy machine
    CHECK(layer["synaptic_operations"].get<double>() > 0);
  }
  const std::string html = syn::test::read(path);
  CHECK(syn::test::malformed(html) == "");
  check_in_browser(folder, html, {"synops", "paths"});
}

TEST_CASE("a table that is not there, or a page that cannot be written, is one clear error") {
  const Ended unknown = bench_kernels({"--table", "avx1024"});
  CHECK(unknown.code != 0);
  CHECK(unknown.err.find("avx1024") != std::string::npos);
  const Ended nowhere = bench_kernels({"--only-threads", "--rounds", "1", "--report", "/nowhere/at/all.html"});
  CHECK(nowhere.code == 1);
  CHECK(nowhere.err.find("--report") != std::string::npos);
}
