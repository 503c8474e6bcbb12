// A Graph as the bytes of an ONNX file (operator set 13, IR version 7, batch dimension "N").
// The same graph gives the same bytes. One-dimensional maps are written as maps of height one; a QuantisedRelu as the
// Div, Add, Floor, Clip and Mul that files spell it with. Deliberately not here: reading (onnx/read.hpp), and files.
#pragma once

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::onnx_file {

// Refuses, by the node's name, a graph whose shapes do not fit (ann/shapes.hpp), or that ONNX has no form for.
Expected<Bytes> write(const ann::Graph& graph);

}  // namespace syn::onnx_file
