// The answer as a report page: charts and the table that table.hpp prints, with the kernels' where those were measured.
#pragma once

#include <string>

#include "bench/kernels/answer.hpp"
#include "bench/peers/table.hpp"

namespace syn::peers {

std::string page(const Answer& answer, const bench::Answer* kernels);

}  // namespace syn::peers
