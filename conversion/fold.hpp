// Rewrites a trained network into the shape that conversion wants: every BatchNormalization inside the Conv or Gemm
// beside it, every Relu directly behind its Conv or Gemm, nothing that does nothing. The function computed stays the
// same (in double, rounded once to float). Deliberately not here: quantising (convert.hpp), pruning.
#pragma once

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"

namespace syn {

// A BatchNormalization that can be folded neither into the layer before it nor into the one behind it is an error by
// name; before a padded convolution it would become a bias per border position, which is not supported yet.
Expected<ann::Graph> fold(ann::Graph graph);

}  // namespace syn
