// Models by file name: what `eval`, `infer`, `inspect` and the rest are pointed at.
#pragma once

#include <string>
#include <variant>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/model.hpp"

namespace syn::cli {

struct SpikingFile {
  snn::Model model;
  ModelHash hash;
  Bytes bytes;  // the file itself
};
using AnyModel = std::variant<ann::Graph, SpikingFile>;

// Told apart by their first bytes, not by their names.
Expected<AnyModel> load_any(const std::string& path);
Expected<SpikingFile> load_spiking(const std::string& path);
Expected<ann::Graph> load_onnx(const std::string& path);

std::string to_hex(const ModelHash& hash);

}  // namespace syn::cli
