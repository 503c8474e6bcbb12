#include "cli/files.hpp"

#include <algorithm>

#include "cli/options.hpp"
#include "conversion/onnx/read.hpp"
#include "core/text.hpp"
#include "snn/model_file.hpp"

namespace syn::cli {

namespace {

bool is_spiking(ByteView bytes) {
  static constexpr std::string_view kMagic = "SYNFIRE";
  return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

Expected<SpikingFile> as_spiking(Bytes bytes, const std::string& path) {
  auto model = snn::read_model(bytes, path);
  if (!model) return fail(model.error());
  auto hash = snn::hash_of(bytes, path);
  if (!hash) return fail(hash.error());
  return SpikingFile{std::move(*model), *hash, std::move(bytes)};
}

}  // namespace

Expected<AnyModel> load_any(const std::string& path) {
  auto bytes = read_file(path, "model");
  if (!bytes) return fail(bytes.error());
  if (is_spiking(*bytes)) {
    auto file = as_spiking(std::move(*bytes), path);
    if (!file) return fail(file.error());
    return AnyModel(std::move(*file));
  }
  auto graph = onnx_file::read(*bytes, path);
  if (!graph) return fail(graph.error());
  return AnyModel(std::move(*graph));
}

Expected<SpikingFile> load_spiking(const std::string& path) {
  auto bytes = read_file(path, "spiking model");
  if (!bytes) return fail(bytes.error());
  if (!is_spiking(*bytes)) {
    return fail("this is not a spiking model (.syn)", path,
                "make one: synfire convert MODEL.onnx --calibrate DATA --steps T -o M.syn");
  }
  return as_spiking(std::move(*bytes), path);
}

Expected<ann::Graph> load_onnx(const std::string& path) {
  auto bytes = read_file(path, "ONNX model");
  if (!bytes) return fail(bytes.error());
  if (is_spiking(*bytes)) return fail("this is a spiking model already", path, "give the ONNX file it was made from");
  return onnx_file::read(*bytes, path);
}

std::string to_hex(const ModelHash& hash) {
  return text::hex({reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()});
}

}  // namespace syn::cli
