// What an engine costs in memory: a child process, this program again, holds nothing but that engine and its network,
// runs it and says by how much it has grown at its peak. In one process with the others it could not be told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/peers/contender.hpp"

namespace syn::peers {

struct Resident {
  std::string network;  // a .onnx or .syn file
  bool bytes = false;   // Dense::bytes
  std::size_t classes = 10;
  std::string library, data;    // as on the command line
  Normalisation normalisation;  // likewise
};

// In the child: prints one number on standard output.
Expected<std::uint64_t> measure_resident(const Resident& of);
// In the parent.
std::optional<std::uint64_t> resident_in_child(const Resident& of);

}  // namespace syn::peers
