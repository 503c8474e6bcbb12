// TOML as toml++ may see it. Version 3.3, which Debian 12 has, runs into undefined behaviour on characters outside
// ASCII wherever something else is expected, and no quick look can tell a text from a typing error as its parser does.
// So it is given ASCII only: any other byte, and the backtick, travels as a backtick and two hex digits and is turned
// back in the texts that come out. In comments it does not matter, and anywhere else TOML 1.0 forbids it.
// Its printer, too, is left alone: it puts texts of several lines between three quotes, whatever is in them.
// Deliberately not here: reading TOML.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace syn {

// Refuses control characters, which TOML knows nowhere, bytes that are no UTF-8, and a backtick written as an escape.
Expected<std::string> to_ascii_toml(std::string_view toml, std::string_view where);
// A text or a key that came out.
std::string from_ascii_toml(std::string_view text);

// UTF-8 as a basic string of one line, quotes included (TOML 1.0, "String").
std::string quoted_for_toml(std::string_view text);

}  // namespace syn
