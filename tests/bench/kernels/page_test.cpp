#include "bench/kernels/page.hpp"

#include <doctest/doctest.h>

#include "tests/report/markup.hpp"

namespace syn::bench {
namespace {

Answer made_answer() {
  Answer answer{.machine = {.cpu = "<made> & \"up\"", .cores = 2}, .caches = {}};
  TableResult table{.table = "avx<2>"};
  table.bounds.l1 = {.load = 2e11, .store = 1e11, .add = 6e10, .narrow = 2e11, .wide = 1e11};
  table.bounds.l2 = table.bounds.l1;
  table.bounds.narrow_peak = 4e11;
  for (const InputSpec& input : main_inputs()) {
    LayerLine line{.layer = "main", .input = input, .events = 6272 * input.rate, .linear = true, .narrow = true};
    line.synops = line.events * 550;
    line.macs = line.dense_macs = 3.6e6;
    line.word_macs = line.synops * 2;
    const double ns = 3000 + line.events * 5;
    line.engine = line.events_path = {ns, ns, ns};
    line.dense_path = {12000, 12000, 12000};
    line.naive_path = {ns * 3, ns * 3, ns * 3};
    line.events_rest = line.dense_rest = {2900, 2900, 2900};
    table.main.push_back(line);
  }
  table.small.push_back({"fire_step", "896 neurons", "neurons", 896, {.read = 1000, .written = 500}, {50, 51, 52}});
  table.cost = cost_by_events(table.main);
  answer.tables = {table};
  answer.cores = Cores{.processors = 2,
                       .dense_processes = {2, 2, 2},
                       .processes = {1.9, 1.9, 1.9},
                       .threads = {1.8, 1.85, 1.9},
                       .shared = {1.7, 1.75, 1.8},
                       .alone_us = {1100, 1100, 1100},
                       .shared_us = {600, 610, 620}};
  answer.figures = figures(answer.tables);
  const auto more = figures(*answer.cores);
  answer.figures.insert(answer.figures.end(), more.begin(), more.end());
  return answer;
}

}  // namespace

TEST_CASE("the page is well formed, whatever names are in it, and the same for the same values") {
  const Answer answer = made_answer();
  const std::string html = page(answer);
  std::set<std::string> ids;
  CHECK(test::malformed(html, &ids) == "");
  for (const char* id : {"asked", "kernels", "synops", "paths", "of-bound", "two-threads"}) CHECK(ids.contains(id));
  CHECK(html == page(answer));
  CHECK(html.find("avx<2>") == std::string::npos);
  CHECK(html.find("NOT reached") != std::string::npos);  // 1.75 times
}

TEST_CASE("what was not measured is not drawn, and nothing is divided by it") {
  Answer answer = made_answer();
  answer.tables.clear();
  CHECK(test::malformed(page(answer)) == "");
  answer.cores->processors = 1;
  CHECK(test::malformed(page(answer)) == "");
  Answer unmeasured = made_answer();
  for (LayerLine& line : unmeasured.tables[0].main) line = {.layer = "main", .input = line.input};
  unmeasured.tables[0].bounds = {};
  const std::string html = page(unmeasured);
  CHECK(test::malformed(html) == "");
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.find("inf ") == std::string::npos);
}

TEST_CASE("the text has a line for every figure, and one JSON object has them all") {
  const Answer answer = made_answer();
  const std::string text = as_text(answer), json = as_json(answer);
  for (const Figure& f : answer.figures) CHECK(text.find(f.what) != std::string::npos);
  CHECK(json.find("\"two_threads\"") != std::string::npos);
  CHECK(json.find("\"verdict\":\"NOT reached\"") != std::string::npos);
  CHECK(text.find("busy") == std::string::npos);
  Answer busy = made_answer();
  busy.bystanders = 0.5;
  CHECK(as_text(busy).find("claim nothing") != std::string::npos);
  CHECK(as_json(busy).find("\"claim\":false") != std::string::npos);
  CHECK(page(busy).find("claim nothing") != std::string::npos);
}

TEST_CASE("a page that cannot be written is an error that names the path, before anything is measured") {
  for (const auto& tried : {check_page("/nowhere/at/all.html"), write_page("/nowhere/at/all.html", "x")}) {
    REQUIRE_FALSE(tried.has_value());
    CHECK(tried.error().where == "/nowhere/at/all.html");
    CHECK(tried.error().what.find("report") != std::string::npos);
  }
}

}  // namespace syn::bench
