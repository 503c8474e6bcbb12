// The command line as its users see it: help, JSON, exit codes, and one clear message for whatever is wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"

using syn::test::Ended;
using syn::test::Folder;
using syn::test::synfire;
using Json = nlohmann::json;

namespace {

const std::string kStudent = std::string(SYN_SOURCE_DIR) + "/models/fashion-student.onnx";

// What every failure with --json looks like: its code, and exactly one object with what, where and do.
Json failure(const Ended& ended, int code) {
  CHECK_FALSE(ended.timed_out);
  CHECK(ended.code == code);
  const Json json = Json::parse(ended.out, nullptr, false);
  REQUIRE_MESSAGE(json.is_object(), ended.out);
  REQUIRE(json.contains("error"));
  for (const char* key : {"what", "where", "do"}) CHECK_FALSE(json["error"][key].get<std::string>().empty());
  return json["error"];
}

// A converted student, made once for all tests of this file.
const std::string& converted() {
  static const Folder folder;
  static const std::string path = [] {
    const std::string out = folder / "student.syn";
    const Ended ended = synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--steps", "8",
                                 "--calibration-images", "100", "-o", out});
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
    return out;
  }();
  return path;
}

}  // namespace

TEST_CASE("every verb has a help with an example") {
  for (const char* verb : {"quickstart", "convert", "eval", "infer", "inspect", "export", "bench", "plan", "run", "sim",
                           "keygen", "data", "events", "learn"}) {
    const Ended ended = synfire({verb, "--help"});
    CHECK(ended.code == 0);
    CHECK_MESSAGE(ended.out.find("Example:\n  synfire ") != std::string::npos, verb);
  }
}

TEST_CASE("wrong use is exit code 2 with one message, in JSON too") {
  CHECK(synfire({}).code == 2);
  CHECK(synfire({"nonsense"}).code == 2);
  failure(synfire({"eval", "--json"}), 2);
  failure(synfire({"eval", kStudent, "--data", "fashion-mnist", "--no-such-flag", "--json"}), 2);
  failure(synfire({"run", converted(), "--data", "fashion-mnist", "--json"}), 2);  // neither --nodes nor --cluster
  failure(synfire({"eval", kStudent, "--data", "fashion-mnist", "--mean", "1,2,3", "--json"}), 2);
  // A code without its steps, and steps for the code that chooses them.
  failure(synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "-o", "x.syn", "--json"}), 2);
  failure(synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--code", "auto", "--steps", "4", "-o", "x.syn",
                   "--json"}),
          2);
}

TEST_CASE("a missing, truncated or bit-flipped model is one clear message") {
  const Folder folder;
  CHECK(failure(synfire({"eval", folder / "none.syn", "--data", "fashion-mnist", "--json"}), 1)["where"]
            .get<std::string>()
            .find("none.syn") != std::string::npos);
  const std::string good = syn::test::read(converted());
  for (const std::size_t keep : {std::size_t{0}, std::size_t{1}, std::size_t{40}, good.size() / 2, good.size() - 1}) {
    failure(synfire({"inspect", folder.write("cut.syn", good.substr(0, keep)), "--json"}), 1);
  }
  for (std::size_t at = 0; at < good.size(); at += good.size() / 9) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    failure(synfire({"inspect", folder.write("flipped.syn", flipped), "--json"}), 1);
  }
  const std::string onnx = syn::test::read(kStudent);
  failure(synfire({"inspect", folder.write("cut.onnx", onnx.substr(0, onnx.size() / 2)), "--json"}), 1);
}

TEST_CASE("a data set that is missing, cut short or of another shape is one clear message") {
  const Folder folder;
  failure(synfire({"eval", kStudent, "--data", "no-such-set", "--json"}), 1);
  failure(synfire({"eval", kStudent, "--data", "idx:" + (folder / "a") + "," + (folder / "b"), "--json"}), 1);
  // Four images of 2 x 2: well formed, and of another shape than the network takes.
  const std::string images(
      "\0\0\x08\x03\0\0\0\x04\0\0\0\x02\0\0\0\x02"
      "0123456789abcdef",
      32);
  const std::string labels(
      "\0\0\x08\x01\0\0\0\x04"
      "\0\1\2\3",
      12);
  const std::string small = "idx:" + folder.write("images", images) + "," + folder.write("labels", labels);
  failure(synfire({"eval", kStudent, "--data", small, "--json"}), 1);
  failure(synfire({"eval", converted(), "--data", small, "--json"}), 1);
  failure(synfire({"convert", kStudent, "--calibrate", small, "--steps", "8", "-o", folder / "x.syn", "--json"}), 1);
  failure(synfire({"eval", kStudent, "--data",
                   "idx:" + folder.write("short", images.substr(0, 20)) + "," + (folder / "labels"), "--json"}),
          1);
}

TEST_CASE("a wrong cluster file is one clear message with its line") {
  const Folder folder;
  const auto plan = [&](const std::string& toml) {
    return failure(synfire({"plan", converted(), "--cluster", folder.write("c.toml", toml), "--json"}), 1);
  };
  CHECK(plan("[gateway]\nname = \"a\"\n[[node]]\nname = ")["where"].get<std::string>().find("line 4") !=
        std::string::npos);
  CHECK(plan("[gateway]\nname = \"a\"\n")["what"].get<std::string>().find("node") != std::string::npos);
  CHECK(plan("[gateway]\nname = \"a\"\n[[node]]\nname = \"n\"\ndevice = \"toaster\"\n")["what"].get<std::string>().find(
            "toaster") != std::string::npos);
  CHECK(plan("[gateway]\nname = \"a\"\nspeed = 3\n[[node]]\nname = \"n\"\ndevice = \"pi4\"\n")["what"]
            .get<std::string>()
            .find("speed") != std::string::npos);
}

TEST_CASE("eval answers with the keys that others build on") {
  const Ended ended = synfire({"eval", converted(), "--data", "fashion-mnist", "--limit", "50", "--json"});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const Json json = Json::parse(ended.out);
  for (const char* key : {"correct", "total", "accuracy", "code", "steps", "spikes_per_inference",
                          "events_per_inference", "synops_per_inference", "latency_us_p50", "digest", "spike_digest"}) {
    CHECK_MESSAGE(json.contains(key), key);
  }
  CHECK(json["total"] == 50);
  CHECK(json["code"] == "volley");
  CHECK(json["digest"].get<std::string>().size() == 64);
  const Json beside = Json::parse(
      synfire({"eval", converted(), "--against", kStudent, "--data", "fashion-mnist", "--limit", "50", "--json"}).out);
  CHECK(beside["agreeing"].get<int>() > 45);
  CHECK(beside["digest"] == json["digest"]);
  failure(synfire({"eval", kStudent, "--against", kStudent, "--data", "fashion-mnist", "--json"}), 1);
  const Json onnx = Json::parse(synfire({"eval", kStudent, "--data", "fashion-mnist", "--limit", "50", "--json"}).out);
  CHECK(onnx["digest"] == "");
  CHECK(onnx["accuracy"].get<double>() > 0.8);
}

TEST_CASE("infer gives one row of logits a sample, and refuses arrays that do not fit") {
  const Folder folder;
  const auto npy = [&](const char* name, const std::string& shape, std::size_t values, float value) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(header.size() & 255);
    bytes += static_cast<char>(header.size() >> 8);
    bytes += header;
    for (std::size_t i = 0; i < values; ++i) bytes.append(reinterpret_cast<const char*>(&value), 4);
    return folder.write(name, bytes);
  };
  const std::string two = npy("x.npy", "(2, 1, 28, 28)", 2 * 784, 0.25f);
  for (const std::string& model : {kStudent, converted()}) {
    const Ended ended = synfire({"infer", model, "--input", two, "--output", folder / "y.npy", "--json"});
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
    CHECK(Json::parse(ended.out)["samples"] == 2);
    CHECK(syn::test::read(folder / "y.npy").find("(2, 10)") != std::string::npos);
  }
  failure(synfire({"infer", converted(), "--input", npy("wrong.npy", "(2, 1, 8, 8)", 128, 0), "--output",
                   folder / "y.npy", "--json"}),
          1);
  failure(synfire({"infer", converted(), "--input", npy("short.npy", "(2, 1, 28, 28)", 100, 0), "--output",
                   folder / "y.npy", "--json"}),
          1);
  failure(synfire({"infer", converted(), "--input", npy("nan.npy", "(1, 1, 28, 28)", 784, std::nanf("")), "--output",
                   folder / "y.npy", "--json"}),
          1);
}

TEST_CASE("conversion gives the same bytes with one thread and with two") {
  const Folder folder;
  for (const char* threads : {"1", "2"}) {
    const Ended ended =
        synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--steps", "4", "--calibration-images", "100",
                 "--threads", threads, "-o", folder / (std::string(threads) + ".syn")});
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
  }
  CHECK(syn::test::read(folder / "1.syn") == syn::test::read(folder / "2.syn"));
  CHECK_FALSE(syn::test::read(folder / "1.syn").empty());
}

TEST_CASE("--code auto says what it chose from, on images that calibrated nothing") {
  const Folder folder;
  const Ended ended = synfire({"convert", kStudent, "--calibrate", "fashion-mnist", "--code", "auto", "--held-out",
                               "200", "--calibration-images", "100", "-o", folder / "auto.syn", "--json"});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const Json json = Json::parse(ended.out);
  CHECK(json["held_out_images"] == 200);
  int chosen = 0;
  for (const Json& trial : json["trials"]) {
    if (!trial["chosen"].get<bool>()) continue;
    ++chosen;
    CHECK(trial["code"] == json["code"]);
    CHECK(trial["steps"] == json["steps"]);
  }
  CHECK(chosen == 1);
  for (const Json& layer : json["layers"]) CHECK(layer.contains("density"));
}

TEST_CASE("Ctrl-C ends a long verb at once with exit code 130") {
  syn::test::Program program({syn::test::binary("synfire"), "eval", converted(), "--data", "fashion-mnist", "--split",
                              "train", "--threads", "1", "--json"});
  REQUIRE(program.wait_for_error("spiking network"));
  program.signal(SIGINT);
  failure(program.wait(std::chrono::seconds(10)), 130);
}
