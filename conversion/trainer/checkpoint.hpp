// A training run at rest: what `--checkpoint` holds and `--teacher` reads. This room's own header.
// On disk: "SYNTRAIN", a 32-bit version, the SHA-256 of the rest, then a libtorch archive. The digest is compared
// before libtorch sees a byte, because its reader was not made for damaged files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "conversion/trainer/network.hpp"
#include "conversion/trainer/torch.hpp"
#include "core/types.hpp"

namespace syn::train {

struct Checkpoint {
  std::string description;  // `describe` of the settings, the data and the teacher: resuming with others is refused
  std::string architecture;
  data::Shape input;
  std::size_t classes = 0;
  // The position: `epoch` epochs are done, and `batch` batches of the next one.
  std::int64_t epoch = 0, batch = 0;
  double loss_sum = 0;  // over the batches of the epoch that is under way
  double best_accuracy = -1;
  std::int64_t best_epoch = 0;
  std::vector<torch::Tensor> weights, average, best;  // Network::tensors of the three
  std::vector<torch::Tensor> momentum;                // one a parameter; empty before the first step
};

Bytes encode(const Checkpoint& checkpoint);
Expected<Checkpoint> decode(ByteView bytes, const std::string& where);

// The best network that a checkpoint holds.
Expected<std::shared_ptr<Network>> network_of(const Checkpoint& checkpoint, const std::string& where);

Expected<Bytes> read_file(const std::filesystem::path& path);  // at most 1 GiB
// Whole or not at all: written beside the target, flushed, then renamed over it.
Expected<> write_file(const std::filesystem::path& path, ByteView bytes);

}  // namespace syn::train
