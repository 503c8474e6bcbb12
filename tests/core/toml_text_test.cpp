#include "core/toml_text.hpp"

#include <doctest/doctest.h>

using namespace syn;

TEST_CASE("toml++ is given ASCII, and what comes out is what was written") {
  const auto ascii = [](std::string_view text) { return to_ascii_toml(text, "file").value(); };
  CHECK(ascii("a = 'b'\r\n\t# c") == "a = 'b'\r\n\t# c");
  CHECK(ascii("\xc2\xbe`") == "`c2`be`60");
  CHECK(ascii("\xef\xbb\xbf"
              "a") == "a");
  std::string all;
  for (char c = ' '; c < 127; ++c) all += c;
  all += "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
  CHECK(from_ascii_toml(ascii(all)) == all);
  for (const char c : ascii(all)) CHECK((c >= ' ' && c < 127));
  CHECK(from_ascii_toml("`") == "`");
  CHECK(from_ascii_toml("`f") == "`f");
  CHECK(from_ascii_toml("`xy") == "`xy");
}

TEST_CASE("what is no UTF-8 is refused: cut short, overlong, a surrogate, too large; and an escaped backtick") {
  for (const char* wrong :
       {"\x80", "\xb0", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\"\\u0060\"", "\"\\U00000060\""}) {
    CHECK_FALSE(to_ascii_toml(wrong, "file").has_value());
  }
}

TEST_CASE("a control character is refused with its line") {
  for (const char c : {'\0', '\x01', '\x1f', '\x7f'}) {
    const auto refused = to_ascii_toml(std::string("a = 1\n\nb") + c, "pi.toml");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().where == "pi.toml, line 3");
  }
}

TEST_CASE("a quoted text is one line, whatever it holds") {
  CHECK(quoted_for_toml("") == R"("")");
  CHECK(quoted_for_toml("it's") == R"("it's")");
  CHECK(quoted_for_toml("'''\n\"\\\x7f\xc3\xa9") == "\"'''\\u000a\\\"\\\\\\u007f\xc3\xa9\"");
}
