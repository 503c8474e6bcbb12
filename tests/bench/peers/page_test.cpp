#include "bench/peers/page.hpp"

#include <doctest/doctest.h>

#include "tests/cli/browser.hpp"
#include "tests/report/markup.hpp"

namespace syn::peers {
namespace {

Row row_of(std::string engine, std::uint32_t threads, double us, double per_second) {
  return {.engine = std::move(engine),
          .threads = threads,
          .accuracy = 0.9,
          .latency = {{us}, {us}},
          .per_second = per_second};
}

Answer made_answer() {
  Answer answer{.machine = {.cpu = "<cpu>", .cores = 2}, .runtime_version = "1.0", .kernels = "avx2"};
  Comparison c{.file = "models/a<b>.onnx", .data = "made", .images = 10};
  c.rows = {row_of("onnxruntime float32", 1, 40, 20000), row_of("onnxruntime int8", 1, 50, 10000),
            row_of("synfire volley 8", 1, 20, 50000),    row_of("onnxruntime float32", 2, 30, 40000),
            row_of("synfire volley 8", 2, 15, 90000),    row_of("synfire phase 4", 1, 22, 45000),
            row_of("onnxruntime int8", 2, 45, 15000),    row_of("synfire phase 4", 2, 17, 80000)};
  answer.comparisons = {c};
  return answer;
}

}  // namespace

TEST_CASE("the page is well formed and has a bar for every engine; ratios are against the peer's faster row") {
  const Answer answer = made_answer();
  const std::string html = page(answer, nullptr);
  std::set<std::string> ids;
  CHECK(test::malformed(html, &ids) == "");
  CHECK(ids.contains("latency-one"));
  CHECK(ids.contains("throughput-many"));
  CHECK(html.find("a<b>") == std::string::npos);
  CHECK(html.find(">0.50<") != std::string::npos);  // 20 of 40 us
  CHECK(html.find(">2.25<") != std::string::npos);  // 90,000 against 40,000
  const test::Folder folder;
  test::check_in_browser(folder, html, {"latency-one", "throughput-many"});
}

TEST_CASE("a busy machine claims no ratio, and a peer that could not use its int8 form is not bragged about") {
  Answer busy = made_answer();
  busy.comparisons[0].bystanders = 0.9;
  const std::string html = page(busy, nullptr);
  CHECK(test::malformed(html) == "");
  CHECK(html.find(">0.50<") == std::string::npos);
  CHECK(html.find("claim nothing") != std::string::npos);
  Answer crippled = made_answer();
  crippled.comparisons[0].rows[1].trouble = {"no int8 form", "here", "nothing"};
  CHECK(page(crippled, nullptr).find("latency, at best") == std::string::npos);
  CHECK(page(made_answer(), nullptr).find("latency, at best") != std::string::npos);
  CHECK(test::malformed(page({}, nullptr)) == "");
}

}  // namespace syn::peers
