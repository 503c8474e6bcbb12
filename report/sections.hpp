// The sections of the page that take the most words; internal to report/. Each is empty where its data is missing.
#pragma once

#include <string>
#include <utility>

#include "report/page.hpp"

namespace syn::report {

std::string accuracy_section(const Page& page);
std::string layers_section(const Page& page);
std::string bytes_section(const Page& page);
std::string placement_section(const Page& page);
std::string energy_section(const Page& page);

// Figures as the page writes them.
std::string whole(double value);                         // 1,234
std::string percent(double share);                       // 93.43 %
std::string points(double lost);                         // 0.50 points lost
std::pair<std::string, std::string> time_of(double us);  // {"1.85", "ms"}
std::string duration(double us);                         // 1.85 ms
// Half the width of Wilson's 95 % interval of an accuracy: how far it may be off for the number of images alone.
double half_interval(const Evaluation& e);

}  // namespace syn::report
