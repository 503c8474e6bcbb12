// What a verb answers with --json.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"

namespace syn::test {

// Fails the test where the program ended otherwise, or with anything but one object.
inline nlohmann::json answer(const Ended& ended, int code = 0) {
  CHECK_FALSE(ended.timed_out);
  REQUIRE_MESSAGE(ended.code == code, ended.out << ended.err);
  const nlohmann::json json = nlohmann::json::parse(ended.out, nullptr, false);
  REQUIRE_MESSAGE(json.is_object(), ended.out);
  return json;
}

}  // namespace syn::test
