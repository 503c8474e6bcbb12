#include "cli/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/text.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

void DataOptions::declare(CLI::App& app, bool required) {
  auto* option = app.add_option("--data", spec, "fashion-mnist | mnist | idx:IMAGES,LABELS; eval also: events:FOLDER");
  if (required) option->required();
  app.add_option("--split", split, "which half of the data set")
      ->check(CLI::IsMember({"train", "test"}))
      ->capture_default_str();
  app.add_option("--limit", limit, "only the first N images");
  declare_normalisation(app);
}

void DataOptions::declare_normalisation(CLI::App& app) {
  app.add_option("--mean", mean, "per channel; the network sees (pixel / 255 - mean) / std")->delimiter(',');
  app.add_option("--std", std, "per channel")->delimiter(',')->check(CLI::PositiveNumber);
}

Expected<data::Dataset> DataOptions::load() const {
  const auto half = data::split_from(split);
  if (!half) return fail(half.error());
  auto dataset = data::load(spec, *half, limit == 0 ? std::nullopt : std::optional<std::size_t>(limit));
  if (dataset && dataset->count == 0) return fail("the data set holds no image", spec, "use another --data");
  if (dataset) check_normalisation(mean, std, dataset->shape.channels);
  return dataset;
}

Expected<Bytes> read_file(const std::string& path, std::string_view kind, std::uint64_t limit) {
  std::error_code trouble;
  if (!fs::exists(path, trouble)) return fail(text::cat("there is no such ", kind), path, "check the path");
  if (fs::is_directory(path, trouble)) return fail(text::cat("a folder is not a ", kind), path, "name the file itself");
  const std::uint64_t size = fs::file_size(path, trouble);
  if (trouble)
    return fail(text::cat("the ", kind, " cannot be read: ", trouble.message()), path, "check the path and its rights");
  if (size > limit) {
    return fail(text::cat("the ", kind, " is too large: ", text::bytes(static_cast<double>(size))), path,
                text::cat("at most ", text::bytes(static_cast<double>(limit)), " are read"));
  }
  std::ifstream in(path, std::ios::binary);
  Bytes bytes(size);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return fail(text::cat("the ", kind, " cannot be read"), path,
                "check its rights, and that nothing is writing to it");
  }
  return bytes;
}

Expected<> write_file(const std::string& path, ByteView bytes) {
  const std::string temporary = text::cat(path, ".", ::getpid(), ".part");
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) {
      const std::string reason = std::strerror(errno);
      std::error_code ignored;
      fs::remove(temporary, ignored);
      return fail("the file cannot be written: " + reason, path,
                  "check that the folder exists, its rights and the free space");
    }
  }
  std::error_code trouble;
  fs::rename(temporary, path, trouble);
  if (trouble) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    return fail("the file cannot be put in place: " + trouble.message(), path, "check the folder's rights");
  }
  return {};
}

std::uint32_t default_threads() {
  return std::max(1u, std::thread::hardware_concurrency());
}

void normalise(const data::Dataset& dataset, std::size_t i, const std::vector<float>& mean,
               const std::vector<float>& std, std::span<float> out) {
  const ByteView pixels = dataset.image(i);
  const std::size_t plane = dataset.shape.height * dataset.shape.width;
  const auto at = [](const std::vector<float>& v, std::size_t c, float otherwise) {
    return v.empty() ? otherwise : v.size() == 1 ? v[0] : v[c];
  };
  for (std::size_t c = 0; c < dataset.shape.channels; ++c) {
    const float m = at(mean, c, 0), s = at(std, c, 1);
    for (std::size_t p = 0; p < plane; ++p) {
      out[c * plane + p] = (static_cast<float>(pixels[c * plane + p]) / 255.0f - m) / s;
    }
  }
}

void check_normalisation(const std::vector<float>& mean, const std::vector<float>& std, std::size_t channels) {
  for (const auto& [name, values] : {std::pair{"--mean", &mean}, std::pair{"--std", &std}}) {
    if (!values->empty() && values->size() != 1 && values->size() != channels) {
      throw UsageError({text::cat(name, " has ", values->size(), " values, the images have ", channels, " channels"),
                        "the command line", "give one value, or one per channel, separated by commas"});
    }
    for (const float v : *values) {
      if (!std::isfinite(v))
        throw UsageError({text::cat(name, " is not a number"), "the command line", "give finite numbers"});
    }
  }
}

}  // namespace syn::cli
