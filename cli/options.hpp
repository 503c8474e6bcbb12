// Option groups that several verbs share, so that one flag means one thing everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conversion/data/dataset.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace syn::cli {

// --data, --split, --limit, --mean, --std
struct DataOptions {
  std::string spec;
  std::string split = "test";
  std::uint64_t limit = 0;  // 0: all
  std::vector<float> mean, std;

  void declare(CLI::App& app, bool required = true);
  void declare_normalisation(CLI::App& app);
  Expected<data::Dataset> load() const;
};

// Reads a whole file of at most `limit` bytes; the message names it and what it should have been.
Expected<Bytes> read_file(const std::string& path, std::string_view kind, std::uint64_t limit = std::uint64_t{4} << 30);
// Replaces a file by rename, so that an interrupted verb leaves the old one.
Expected<> write_file(const std::string& path, ByteView bytes);

std::uint32_t default_threads();

// Image i as the network sees it: (pixel / 255 - mean) / std, channel-first.
void normalise(const data::Dataset& dataset, std::size_t i, const std::vector<float>& mean,
               const std::vector<float>& std, std::span<float> out);
// mean and std, where given, must have one value or one per channel. Throws UsageError.
void check_normalisation(const std::vector<float>& mean, const std::vector<float>& std, std::size_t channels);

}  // namespace syn::cli
