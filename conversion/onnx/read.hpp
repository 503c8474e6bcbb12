// A trained network from the bytes of an ONNX file, operator sets 6 to 17. What the file declares is believed only as
// far as its own bytes go: lengths and shapes are checked before memory is taken, and every error names the node.
// Rewritten on the way: GlobalAveragePool and ReduceMean over space become AveragePool; MatMul and a following Add of a
// constant become Gemm; arithmetic with constants becomes Affine; nodes of constants only are computed, shapes of an
// open batch included; Identity, Dropout and empty Pads vanish; zero padding moves into the Conv or AveragePool behind
// it; layout operators become Flatten, Reshape or ChannelPermutation, or nothing. Deliberately not here: opening files;
// libonnx's checker and shape inference (they trust the file more than we do).
#pragma once

#include <string_view>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::onnx_file {

// `where` names the file in errors.
Expected<ann::Graph> read(ByteView bytes, std::string_view where);

}  // namespace syn::onnx_file
