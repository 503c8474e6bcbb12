// The answer as sections of a report page (report/html.hpp): alone, or with those of bench/peers.
// Deliberately not here: what a page looks like (report/).
#pragma once

#include <string>
#include <string_view>

#include "bench/kernels/answer.hpp"
#include "core/error.hpp"

namespace syn::bench {

// What stands above the sections: what was measured, where, and whether it claims anything.
std::string page_header(std::string_view title, std::string_view what, const Machine& machine, bool busy);

std::string kernel_sections(const Answer& answer);
std::string page(const Answer& answer);

// Before anything is measured that could not be kept.
Expected<> check_page(const std::string& path);
Expected<> write_page(const std::string& path, std::string_view html);

}  // namespace syn::bench
