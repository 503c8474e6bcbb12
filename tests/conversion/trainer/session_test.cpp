#include "conversion/trainer/session.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "conversion/trainer/checkpoint.hpp"
#include "core/sha256.hpp"
#include "tests/conversion/data/files.hpp"
#include "tests/conversion/trainer/toy.hpp"

using namespace syn;
using namespace syn::train;
using namespace syn::test;

namespace {

struct Said {
  int code;
  std::string out, err;
};

Said say(const Request& request) {
  std::ostringstream out, err;
  auto* old_out = std::cout.rdbuf(out.rdbuf());
  auto* old_err = std::cerr.rdbuf(err.rdbuf());
  const int code = train::run(request);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {code, out.str(), err.str()};
}

std::string write_set(const Folder& folder, const std::string& name, const data::Dataset& set) {
  const auto count = static_cast<std::uint32_t>(set.count);
  const auto images = folder.write(name + "-images", idx({count, 8, 8}, set.pixels));
  return "idx:" + images.string() + "," + folder.write(name + "-labels", idx({count}, set.labels)).string();
}

Request request_in(const Folder& folder) {
  return {.command = {"/somewhere/synfire-trainer", "train", "-o", "my model.onnx"},
          .settings = toy_settings(),
          .data = write_set(folder, "train", quadrants(720, 1)),
          .test_data = write_set(folder, "test", quadrants(200, 2)),
          .limit = {},
          .output = folder / "m.onnx",
          .checkpoint = folder / "m.ckpt",
          .card = folder / "m.md",
          .teacher = {},
          .json = true};
}

}  // namespace

TEST_CASE("a session trains, tests once, and leaves the model, the card and one JSON object") {
  Folder folder;
  const Request request = request_in(folder);
  const Said said = say(request);
  CHECK(said.code == 0);
  const auto result = nlohmann::json::parse(said.out);
  CHECK(result["architecture"] == "tiny");
  CHECK(result["total"] == 200);
  CHECK(result["test_accuracy"].get<double>() == result["correct"].get<double>() / 200);
  CHECK(result["test_accuracy"].get<double>() > 0.9);
  CHECK(result["epochs"] == 4);
  const auto model = read_file(request.output);
  REQUIRE(model.has_value());
  CHECK(result["sha256"] == to_hex(Sha256::of(*model)));
  const auto page = read_file(request.card);
  REQUIRE(page.has_value());
  const std::string text(page->begin(), page->end());
  CHECK(text.find(to_hex(Sha256::of(*model))) != std::string::npos);
  CHECK(text.find("synfire-trainer train -o \"my model.onnx\"") != std::string::npos);
  CHECK(text.find("/somewhere") == std::string::npos);
  CHECK(said.err.find("epoch 4/4") != std::string::npos);

  SUBCASE("the same command again has nothing to do, and says and leaves the same") {
    const Said again = say(request);
    CHECK(again.code == 0);
    CHECK(nlohmann::json::parse(again.out)["sha256"] == result["sha256"]);
    CHECK(*read_file(request.output) == *model);
  }
  SUBCASE("its checkpoint teaches a student") {
    Request distill = request;
    distill.teacher = request.checkpoint;
    distill.settings.distillation = Distillation{.temperature = 2, .alpha = 0.5};
    distill.checkpoint.clear();
    distill.output = folder / "student.onnx";
    CHECK(say(distill).code == 0);
    CHECK(std::filesystem::exists(distill.output));
  }
  SUBCASE("a damaged teacher is refused with one message in the form that was asked for") {
    Bytes damaged = *read_file(request.checkpoint);
    damaged.resize(damaged.size() / 2);
    Request distill = request;
    distill.teacher = folder.write("bad.ckpt", damaged);
    distill.settings.distillation = Distillation{};
    const Said refused = say(distill);
    CHECK(refused.code == 1);
    CHECK(nlohmann::json::parse(refused.out)["error"]["where"] == (folder / "bad.ckpt").string());
  }
}

namespace {

// Presses Ctrl-C as soon as a given word is shown.
class Presser final : public std::stringbuf {
 public:
  explicit Presser(std::string word) : word_(std::move(word)) {}

 private:
  int sync() override {
    if (!pressed_ && str().find(word_) != std::string::npos) {
      pressed_ = true;
      std::raise(SIGINT);
    }
    return 0;
  }
  std::string word_;
  bool pressed_ = false;
};

}  // namespace

TEST_CASE("Ctrl-C keeps the run, exits with 130 and says how to go on; going on ends where no Ctrl-C would have") {
  Folder whole_folder, folder;
  const Request request = request_in(folder);
  Presser presser("epoch 2/4");
  std::ostringstream out;
  auto* old_out = std::cout.rdbuf(out.rdbuf());
  auto* old_err = std::cerr.rdbuf(&presser);
  const int code = train::run(request);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  CHECK(code == 130);
  CHECK(nlohmann::json::parse(out.str())["error"]["do"] ==
        "the same command continues from " + request.checkpoint.string());
  CHECK(presser.str().find("epoch 3/4") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(request.card));

  Request whole = request_in(whole_folder);
  CHECK(say(whole).code == 0);
  const Said rest = say(request);
  CHECK(rest.code == 0);
  CHECK(rest.err.find("continuing after epoch 2") != std::string::npos);
  CHECK(*read_file(request.output) == *read_file(whole.output));
}

TEST_CASE("what is missing or does not fit ends the session with exit code 1 before any training") {
  Folder folder;
  const auto error = [&](const Request& request) {
    const Said said = say(request);
    CHECK(said.code == 1);
    CHECK(said.err.find("epoch") == std::string::npos);
    return nlohmann::json::parse(said.out)["error"]["what"].get<std::string>();
  };
  Request request = request_in(folder);
  request.data = "idx:" + (folder / "a").string() + "," + (folder / "b").string();
  CHECK(error(request) == "no such file");
  request = request_in(folder);
  request.settings.architecture = "resnet";
  CHECK(error(request) == "there is no architecture called 'resnet'");
  request = request_in(folder);
  request.teacher = folder / "none.ckpt";
  request.settings.distillation = Distillation{};
  CHECK(error(request) == "no such file");
  request = request_in(folder);
  folder.write("m.ckpt", Bytes(100));
  CHECK(error(request).starts_with("not a checkpoint"));
}

TEST_CASE("an output folder that does not exist is found out before an epoch is spent") {
  Folder folder;
  Request request = request_in(folder);
  request.output = folder / "none/m.onnx";
  const Said said = say(request);
  CHECK(said.code == 1);
  CHECK(said.err.find("epoch") == std::string::npos);
}
