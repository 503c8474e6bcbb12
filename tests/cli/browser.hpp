// Opens a page in headless Chromium and looks at it. The page has no script; the one that measures is put into a copy.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace syn::test {

std::string chromium();  // where it is; empty: not here

struct Opened {
  nlohmann::json
      measured;  // boxes of all drawings that have a name, texts that stick out of theirs, and how far the page does
  std::string console;
};
// `extra` goes into the copy, too.
Opened open_in_browser(const Folder& folder, std::string html, const std::string& extra, int width);

// On a wide and on a narrow screen: no console message, nothing outside, and each of `plots` is there. Says so and does
// nothing where there is no Chromium.
void check_in_browser(const Folder& folder, const std::string& html, const std::vector<std::string>& plots);

}  // namespace syn::test
