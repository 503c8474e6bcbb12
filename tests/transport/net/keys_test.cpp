#include "transport/keys.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <zmq.hpp>

#include "tests/transport/net/temporary_folder.hpp"

using namespace syn;

TEST_CASE("keys are those that libzmq makes, and their text is its text") {
  char public_text[41], secret_text[41];
  REQUIRE(zmq_curve_keypair(public_text, secret_text) == 0);
  const Key secret = from_z85(secret_text).value();
  CHECK(to_z85(pair_of(secret).public_key) == public_text);
  for (int i = 0; i < 50; ++i) {
    const KeyPair keys = make_key_pair();
    CHECK(keys == pair_of(keys.secret_key));
    CHECK(from_z85(to_z85(keys.public_key)).value() == keys.public_key);
    std::uint8_t decoded[32];
    REQUIRE(zmq_z85_decode(decoded, to_z85(keys.secret_key).c_str()) != nullptr);
    CHECK(std::equal(std::begin(decoded), std::end(decoded), keys.secret_key.begin()));
  }
}

TEST_CASE("a node's identity is the start of its key's SHA-256") {
  CHECK(node_id(Key{}) == NodeId{0x77bd62f8ad7a6866});  // head -c 32 /dev/zero | sha256sum: 66687aadf862bd77...
  CHECK(node_id(make_key_pair().public_key) != node_id(make_key_pair().public_key));
}

TEST_CASE("what is not a key is refused") {
  const std::string good = to_z85(make_key_pair().public_key);
  CHECK(from_z85(good).has_value());
  CHECK_FALSE(from_z85("").has_value());
  CHECK_FALSE(from_z85(good + "0").has_value());
  CHECK_FALSE(from_z85(good.substr(1)).has_value());
  CHECK_FALSE(from_z85(std::string(40, '#')).has_value());  // above 32 bits
  CHECK_FALSE(from_z85(good.substr(1) + " ").has_value());
  CHECK_FALSE(from_z85(good.substr(1) + '\0').has_value());
}

TEST_CASE("a key file is for its owner only, is not overwritten, and reads back") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "node.key";
  const KeyPair keys = make_key_pair();
  REQUIRE(write_key_file(path, keys));
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  CHECK(read_key_file(path).value() == keys);
  CHECK_FALSE(write_key_file(path, make_key_pair()).has_value());
  CHECK(read_key_file(path).value() == keys);

  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const auto open_to_others = read_key_file(path);
  REQUIRE_FALSE(open_to_others.has_value());
  CHECK(open_to_others.error().what == "the key file is readable by others");
}

TEST_CASE("a damaged or missing key file is refused with one clear message") {
  const TemporaryFolder folder;
  CHECK_FALSE(read_key_file(folder.path() / "none").has_value());
  CHECK_FALSE(read_key_file(folder.path()).has_value());
  CHECK_FALSE(write_key_file(folder.path() / "no" / "folder", make_key_pair()).has_value());
  const auto path = folder.path() / "node.key";
  const auto with = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    ::chmod(path.c_str(), 0600);
    return read_key_file(path).has_value();
  };
  const KeyPair keys = make_key_pair();
  CHECK(with(to_z85(keys.secret_key)));
  CHECK(with("# mine\n" + to_z85(keys.secret_key) + "\n"));
  CHECK_FALSE(with(""));
  CHECK_FALSE(with("# only a comment\n"));
  CHECK_FALSE(with(to_z85(keys.secret_key).substr(0, 39)));
  CHECK_FALSE(with(std::string(5000, 'x')));
  const std::string head = "# Synfire secret key; keep it on this machine. Public key: ";
  CHECK(with(head + to_z85(keys.public_key) + "\n" + to_z85(keys.secret_key) + "\n"));
  CHECK_FALSE(with(head + to_z85(make_key_pair().public_key) + "\n" + to_z85(keys.secret_key) + "\n"));
}
