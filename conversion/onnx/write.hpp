// A Graph as the bytes of an ONNX file (operator set 13, IR version 7, batch dimension "N").
// The same graph gives the same bytes. Deliberately not here: reading (onnx/read.hpp), and files.
#pragma once

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::onnx_file {

// Refuses a graph whose tensors do not have as many values as their shapes say, or that has no output shape that
// follows from its nodes' channels.
Expected<Bytes> write(const ann::Graph& graph);

}  // namespace syn::onnx_file
