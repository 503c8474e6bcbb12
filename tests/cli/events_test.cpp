// `synfire events` as its users see it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

std::string table(int rows) {
  std::string out = "# sensor 16x8\nt,x,y,p\n";
  for (int i = 0; i < rows; ++i) {
    out += std::to_string(1000 + 10 * i) + "," + std::to_string(i % 16) + "," + std::to_string(i / 16 % 8) + "," +
           std::to_string(i % 4 == 0) + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("events says what a recording holds, in JSON with every figure") {
  const Folder folder;
  const Ended ended = synfire({"events", folder.write("a.csv", table(1001)), "--json"});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const Json json = Json::parse(ended.out);
  CHECK(json["format"] == "CSV");
  CHECK(json["sensor"]["width"] == 16);
  CHECK(json["events"] == 1001);
  CHECK(json["first_us"] == 1000);
  CHECK(json["last_us"] == 11000);
  CHECK(json["rate_per_s"] == doctest::Approx(100'100));
  CHECK(json["on_share"] == doctest::Approx(251.0 / 1001));
  CHECK(json["active_pixels"] == 128);
  CHECK(synfire({"events", folder / "a.csv"}).out.find("1,001 events") != std::string::npos);
  CHECK(synfire({"events", "--help"}).out.find("Example:\n  synfire events ") != std::string::npos);
}

TEST_CASE("filters, windows and every kind of output go through one command") {
  const Folder folder;
  const std::string file = folder.write("a.csv", table(1001));
  const auto json = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"events", file, "--json"});
    const Ended ended = synfire(words);
    REQUIRE_MESSAGE(ended.code == 0, ended.out);
    return Json::parse(ended.out);
  };
  const Json frames = json({"--window", "1ms", "--steps", "20", "--to", folder / "frames.npy"});
  CHECK(frames["windows"] == 20);
  const Json small = json({"--crop", "0,0,8,8", "--downsample", "2", "--polarity", "merge", "--to", folder / "b.csv"});
  CHECK(small["filtered"]["sensor"]["width"] == 4);
  const Json again = Json::parse(synfire({"events", folder / "b.csv", "--json"}).out);
  CHECK(again["events"] == small["filtered"]["events"]);
  CHECK(again["sensor"]["polarities"] == 1);
  CHECK(json({"--to", folder / "c.bin"})["output"] == folder / "c.bin");
  CHECK(Json::parse(synfire({"events", folder / "c.bin", "--json"}).out)["format"] == "N-MNIST");
  CHECK(json({"--denoise", "1ms", "--refractory", "100us", "--hot-pixels", "5", "--from", "1ms", "--for",
              "2ms"})["filtered"]["events"] <= 200);
}

TEST_CASE("wrong use of events is exit code 2, a wrong file is exit code 1, each with one message") {
  const Folder folder;
  const std::string file = folder.write("a.csv", table(10));
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "events");
    words.push_back("--json");
    const Ended ended = synfire(words);
    const Json json = Json::parse(ended.out, nullptr, false);
    REQUIRE_MESSAGE(json.contains("error"), ended.out);
    for (const char* key : {"what", "where", "do"}) CHECK_FALSE(json["error"][key].get<std::string>().empty());
    return ended.code;
  };
  CHECK(code({}) == 2);
  CHECK(code({file, "--window", "1ms"}) == 2);
  CHECK(code({file, "--window", "1 parsec", "--to", "x.npy"}) == 2);
  CHECK(code({file, "--sensor", "big"}) == 2);
  CHECK(code({file, "--to", "x.mp4"}) == 2);
  CHECK(code({file, "--order", "chaos"}) == 2);
  CHECK(code({file, "--steps", "3"}) == 2);
  CHECK(code({folder / "none"}) == 1);
  CHECK(code({folder.write("b.csv", table(10) + "5,1,1,1\n")}) == 1);  // time runs backwards
  CHECK(code({file, "--crop", "9,9,9,9"}) == 1);
  CHECK(code({file, "--format", "midi"}) == 1);
}

TEST_CASE("data make needs a folder, images, and a thing that is made") {
  const Folder folder;
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "data");
    words.push_back("--json");
    const Ended ended = synfire(words);
    if (ended.code != 0) CHECK(Json::parse(ended.out, nullptr, false).contains("error"));
    return ended.code;
  };
  CHECK(code({"make", "saccades"}) == 2);
  CHECK(code({"make", "mnist", "-o", folder / "x"}) == 2);
  CHECK(code({"fetch", "saccades"}) == 2);
  CHECK(code({"make", "saccades", "--images", "no-such-set", "-o", folder / "x"}) == 1);
  if (code({"make", "saccades", "--images", "fashion-mnist", "--limit", "3", "-o", folder / "made"}) != 0) {
    MESSAGE("skipped: Fashion-MNIST is not installed");
    return;
  }
  const Json json = Json::parse(synfire({"events", folder / "made/Train/9/00001.bin", "--json"}).out);
  CHECK(json["format"] == "N-MNIST");
  CHECK(json["last_us"] < 300'000);
}
