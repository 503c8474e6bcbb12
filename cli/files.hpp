// Models by file name: what `eval`, `infer`, `inspect` and the rest are pointed at.
#pragma once

#include <string>
#include <variant>

#include "conversion/ann/graph.hpp"
#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/model.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

struct SpikingFile {
  snn::Model model;
  ModelHash hash;
  Bytes bytes;  // the file itself
};
struct RealFile {  // a .syn of the float profile
  snn::real::Model model;
  ModelHash hash;
  std::size_t bytes = 0;
};
using AnyModel = std::variant<ann::Graph, SpikingFile, RealFile, nir::Graph>;

// Told apart by their first bytes, not by their names.
Expected<AnyModel> load_any(const std::string& path);
Expected<SpikingFile> load_spiking(const std::string& path);
Expected<ann::Graph> load_onnx(const std::string& path);

// A model that was made here, as its file would be.
Expected<SpikingFile> as_file(snn::Model model);

std::string to_hex(const ModelHash& hash);

}  // namespace syn::cli
