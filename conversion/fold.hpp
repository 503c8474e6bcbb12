// Rewrites a trained network into the shape that conversion wants: BatchNormalization inside the Conv or Gemm beside it
// wherever it can be, every activation directly behind its Conv, Gemm or Add, clip-floor-shift chains as one node,
// nothing that does nothing or that nobody reads. The function computed stays the same (in double, rounded once to
// float). What cannot be folded stays: lowering finds a place for it or refuses it by name.
// Deliberately not here: quantising (convert.hpp), pruning.
#pragma once

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"

namespace syn {

Expected<ann::Graph> fold(ann::Graph graph);

}  // namespace syn
