#include "cli/files.hpp"

#include <algorithm>

#include "cli/options.hpp"
#include "conversion/nir/read.hpp"
#include "conversion/onnx/read.hpp"
#include "core/text.hpp"
#include "snn/model_file.hpp"
#include "snn/real/model_file.hpp"

namespace syn::cli {

namespace {

bool begins(ByteView bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin(),
                                                    [](char a, std::uint8_t b) { return std::uint8_t(a) == b; });
}
bool is_spiking(ByteView bytes) {
  return begins(bytes, "SYNFIRE");
}
bool is_hdf5(ByteView bytes) {
  return begins(bytes, "\x89HDF");
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
    const auto profile = snn::profile_of(*bytes, path);
    if (!profile) return fail(profile.error());
    if (*profile == snn::Profile::real) {
      auto model = snn::real::read_model(*bytes, path);
      if (!model) return fail(model.error());
      const auto hash = snn::hash_of(*bytes, path);
      if (!hash) return fail(hash.error());
      return AnyModel(RealFile{std::move(*model), *hash, bytes->size()});
    }
    auto file = as_spiking(std::move(*bytes), path);
    if (!file) return fail(file.error());
    return AnyModel(std::move(*file));
  }
  if (is_hdf5(*bytes)) {
    auto network = nir::read(*bytes, path);
    if (!network) return fail(network.error());
    return AnyModel(std::move(*network));
  }
  // Its content is none of these: what it is called says which of them was meant.
  if (path.ends_with(".nir"))
    return fail("this is not a NIR file: it does not begin as HDF5 does", path, "write it again: nir.write(...)");
  if (path.ends_with(".syn"))
    return fail("this is not a spiking model: it does not begin as one does", path, "convert the network again");
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
  if (is_hdf5(*bytes))
    return fail("this is an HDF5 file, not an ONNX model", path, "NIR files: synfire infer, inspect, convert");
  return onnx_file::read(*bytes, path);
}

Expected<SpikingFile> as_file(snn::Model model) {
  Bytes bytes = snn::write_model(model);
  const auto hash = snn::hash_of(bytes, "the converted model");
  if (!hash) return fail(hash.error());
  return SpikingFile{std::move(model), *hash, std::move(bytes)};
}

std::string to_hex(const ModelHash& hash) {
  return text::hex({reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()});
}

}  // namespace syn::cli
