#include <doctest/doctest.h>

#include "tests/conversion/hdf5/library.hpp"
#include "tests/conversion/hdf5/random_trees.hpp"

using namespace syn;
using testing::library_oddity;
using testing::library_read;
using testing::library_write;
using testing::Storage;

namespace {

hdf5::Group small_tree() {
  return {{"numbers", {hdf5::Numbers{.shape = {2, 3}, .values = {1, 2, 3, 4, 5, 6}}}},
          {"type", {hdf5::Texts{.shape = {}, .values = {"LIF"}}}}};
}

std::string refusal(const Bytes& bytes) {
  const auto tree = hdf5::read(bytes, "a.nir");
  if (tree) return "";
  CHECK(tree.error().where.starts_with("a.nir"));
  CHECK_FALSE(tree.error().todo.empty());
  return tree.error().what;
}

// Compares with what a narrower element type keeps.
void widen(hdf5::Group& tree, bool small) {
  for (auto& [name, item] : tree) {
    if (auto* group = std::get_if<hdf5::Group>(&item.value)) widen(*group, small);
    auto* numbers = std::get_if<hdf5::Numbers>(&item.value);
    if (numbers && small && numbers->element == hdf5::Element::float64) numbers->element = hdf5::Element::float32;
  }
}

}  // namespace

TEST_CASE("what is written is read back, by us and by libhdf5") {
  SeededRandom random(1);
  for (int i = 0; i < 60; ++i) {
    const hdf5::Group tree = testing::random_tree(random);
    const Bytes bytes = hdf5::write(tree);
    const auto ours = hdf5::read(bytes, "written");
    REQUIRE_MESSAGE(ours.has_value(), ours.error().what);
    CHECK(*ours == tree);
    CHECK(library_read(bytes) == tree);
  }
}

TEST_CASE("a group of 3,000 members needs a B-tree of several levels") {
  hdf5::Group tree;
  for (int i = 0; i < 3000; ++i) tree[text::cat("n", i)] = {hdf5::Numbers{.shape = {}, .values = {double(i)}}};
  const Bytes bytes = hdf5::write(tree);
  const auto ours = hdf5::read(bytes, "written");
  REQUIRE_MESSAGE(ours.has_value(), ours.error().what);
  CHECK(*ours == tree);
  CHECK(library_read(bytes) == tree);
}

TEST_CASE("what libhdf5 writes is read, however it stores it") {
  SeededRandom random(2);
  const Storage storages[] = {{},
                              {.chunked = true},
                              {.chunked = true, .gzip = true},
                              {.chunked = true, .gzip = true, .shuffle = true},
                              {.chunked = true, .shuffle = true},
                              {.big_endian = true},
                              {.compact = true},
                              {.fixed_text = true},
                              {.chunked = true, .gzip = true, .shuffle = true, .small = true},
                              {.big_endian = true, .small = true}};
  for (const Storage& storage : storages) {
    for (int i = 0; i < 12; ++i) {
      CAPTURE(&storage - storages);
      CAPTURE(i);
      hdf5::Group tree = testing::random_tree(random);
      const auto ours = hdf5::read(library_write(tree, storage), "libhdf5");
      REQUIRE_MESSAGE(ours.has_value(), ours.error().what);
      widen(tree, storage.small);
      CHECK(*ours == tree);
    }
  }
}

TEST_CASE("of libver='latest' small groups of plain arrays are read, the rest is refused by name") {
  const auto ours = hdf5::read(library_write(small_tree(), {.latest = true}), "latest");
  REQUIRE_MESSAGE(ours.has_value(), ours.error().what);
  CHECK(*ours == small_tree());
  CHECK(refusal(library_write(small_tree(), {.chunked = true, .latest = true})).find("libver='latest'") !=
        std::string::npos);
  hdf5::Group large;
  for (int i = 0; i < 40; ++i) large[text::cat(i)] = small_tree()["numbers"];
  CHECK(refusal(library_write(large, {.latest = true})).find("libver='latest'") != std::string::npos);
}

TEST_CASE("what is not read is refused by name") {
  const std::pair<std::string, const char*> cases[] = {{"soft link", "soft link"},
                                                       {"external link", "link to another file"},
                                                       {"external data", "data in another file"},
                                                       {"virtual", "virtual storage"},
                                                       {"compound", "compound values"},
                                                       {"never written", "never written"},
                                                       {"partly written", "never written"},
                                                       {"committed type", "named type"},
                                                       {"null", "null dataspace"}};
  for (const auto& [kind, words] : cases) {
    CAPTURE(kind);
    const std::string said = refusal(library_oddity(kind));
    CHECK_MESSAGE(said.find(words) != std::string::npos, said);
  }
  CHECK(refusal(library_write(small_tree(), {.chunked = true, .fletcher = true})).find("fletcher32") !=
        std::string::npos);
  CHECK(refusal({}) == "this is no HDF5 file");
  CHECK(refusal(Bytes(5000, 7)) == "this is no HDF5 file");
}

TEST_CASE("more than the limits is refused before memory is taken") {
  const Bytes bytes = hdf5::write({{"x", {hdf5::Numbers{.shape = {1000}, .values = std::vector<double>(1000)}}}});
  CHECK(hdf5::read(bytes, "x", {.decoded = 10'000}).has_value());
  const auto refused = hdf5::read(bytes, "x", {.decoded = 3'000});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().what.find("declare more") != std::string::npos);
  hdf5::Group deep;
  for (int i = 0; i < 20; ++i) deep = {{"g", {deep}}};
  CHECK(refusal(hdf5::write(deep)).find("deep") != std::string::npos);
  const auto many = hdf5::read(hdf5::write({{"a", {hdf5::Group{}}}, {"b", {hdf5::Group{}}}}), "x", {.objects = 1});
  REQUIRE_FALSE(many.has_value());
  CHECK(many.error().what.find("more than 1 objects") != std::string::npos);
}

TEST_CASE("cut short or changed anywhere, a file is read or refused, and nothing else") {
  SeededRandom random(3);
  const Bytes files[] = {hdf5::write(testing::random_tree(random)),
                         library_write(testing::random_tree(random), {.chunked = true, .gzip = true, .shuffle = true}),
                         library_write(small_tree(), {.latest = true})};
  for (const Bytes& file : files) {
    REQUIRE(hdf5::read(file, "whole").has_value());
    for (std::size_t cut = 0; cut < file.size(); cut += 1 + random.below(file.size() / 200 + 1))
      (void)hdf5::read(ByteView(file).first(cut), "cut");
    std::size_t refused = 0;
    for (int i = 0; i < 3000; ++i) {
      Bytes changed = file;
      for (std::uint64_t k = 0; k <= random.below(4); ++k) {
        std::size_t at = random.below(changed.size());
        for (int tries = 0; changed[at] == 0 && tries < 20; ++tries) at = random.below(changed.size());
        changed[at] = random.chance(0.3) ? 255 : static_cast<std::uint8_t>(random.below(256));
      }
      const auto tree = hdf5::read(changed, "changed");
      if (tree) continue;
      ++refused;
      REQUIRE_FALSE(tree.error().what.empty());
    }
    CHECK(refused > 100);
  }
}
