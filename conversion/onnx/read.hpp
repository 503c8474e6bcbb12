// A trained network from the bytes of an ONNX file, operator sets 6 to 17. What the file declares is believed only as
// far as its own bytes go: lengths and shapes are checked before memory is taken, and every error names the node.
// Rewritten on the way: GlobalAveragePool becomes AveragePool; MatMul and a following Add of a constant become Gemm;
// Identity, Dropout and empty Pads vanish; zero padding moves into the Conv behind it; a Reshape that flattens is a
// Flatten. Deliberately not here: opening files; libonnx's checker and shape inference (they trust the file more than
// we do).
#pragma once

#include <string_view>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::onnx_file {

// `where` names the file in errors.
Expected<ann::Graph> read(ByteView bytes, std::string_view where);

}  // namespace syn::onnx_file
