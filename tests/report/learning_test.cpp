// The page of `learn`: well formed, alone in the world, and every neuron on it.
#include "report/learning.hpp"

#include <doctest/doctest.h>

#include "tests/report/markup.hpp"

using namespace syn;
using report::LearningPage;

namespace {

LearningPage page(std::size_t neurons, std::uint32_t height, std::uint32_t width) {
  LearningPage p{.learner = "<digits>",
                 .data = "data & set",
                 .where = "a \"node\"",
                 .images = 2000,
                 .images_per_minute = 1234,
                 .state_bytes = 1000,
                 .classes = 10,
                 .exams = {{1000, 5, 10}, {2000, 7, 10}},
                 .height = height,
                 .width = width};
  for (std::uint32_t j = 0; j < neurons; ++j) {
    LearningPage::Neuron n{.index = j, .class_ = j % 10, .sure = j == 0 ? 0.0 : j == 1 ? 0.3 : 0.9};
    for (std::uint32_t i = 0; i < height * width; ++i) n.weights.push_back(static_cast<std::uint8_t>((i + j) % 128));
    p.neurons.push_back(std::move(n));
  }
  p.facts = {{"command", "synfire 'learn'"}};
  return p;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a learner's page is well formed, loads nothing, and is the same for the same values") {
  for (const auto& p : {page(30, 28, 28), page(1, 1, 5), page(13, 100, 70), page(2, 0, 0)}) {
    std::string html = report::html(p);
    CHECK(html == report::html(p));
    std::set<std::string> ids;
    CHECK(test::malformed(html, &ids) == "");
    for (const char* id : {"headline", "learning", "curve", "weights", "neurons", "about"})
      CHECK_MESSAGE(ids.contains(id), id);
    for (const std::string space : {"xmlns=\"http://www.w3.org/2000/svg\"", "xmlns=\"http://www.w3.org/1999/xhtml\""}) {
      for (auto at = html.find(space); at != std::string::npos; at = html.find(space)) html.erase(at, space.size());
    }
    for (const char* what : {"http:", "https:", "src=", "<script", "<img", "//"})
      CHECK_MESSAGE(html.find(what) == std::string::npos, what);
  }
}

TEST_CASE("a neuron's picture says for which class it stands, how surely, and is white where it is strongest") {
  LearningPage p = page(3, 2, 2);
  p.neurons[0].weights = {0, 0, 0, 0};
  p.neurons[1].weights = {0, 40, 0, 0};
  p.neurons[2].weights = {0, 0, 20, 0};
  const std::string html = report::html(p);
  CHECK(html.find(">–</text>") != std::string::npos);  // never fired
  CHECK(html.find(">1?</text>") != std::string::npos);
  CHECK(html.find(">2</text>") != std::string::npos);
  CHECK(count(html, "fill=\"#ffffff\"") == 1);
  CHECK(count(html, "fill=\"#777777\"") == 1);  // half as strong
  CHECK(count(html, "fill=\"#000000\"") == 3);  // one background each
}
