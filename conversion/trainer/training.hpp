// One training run, plain or by distillation: the same loop, with or without a teacher. This room's own header.
// Deliberately not here: the command line, files, and the test set, which no run may see before it has ended.
#pragma once

#include <functional>
#include <memory>

#include "conversion/trainer/checkpoint.hpp"
#include "conversion/trainer/settings.hpp"

namespace syn::train {

struct Progress {
  std::int64_t epoch, epochs;   // the epoch under way, from 1
  std::int64_t batch, batches;  // batches done in it
  double loss;                  // mean over them
  bool epoch_done = false;      // then the two below say something
  double validation_accuracy = -1;
  double best_accuracy = -1;
};

struct Watch {
  std::function<bool(const Progress&)> after_batch;  // false: stop here; `checkpoint` then holds where
};

class Training {
 public:
  // The data must outlive the run. Refuses settings that do not fit the data or the teacher.
  static Expected<Training> start(const Settings& settings, const data::Dataset& train,
                                  std::shared_ptr<Network> teacher, const std::string& teacher_name);

  // Goes on where a checkpoint of the same run stopped: the weights at the end are those of an uninterrupted run.
  Expected<> resume(const Checkpoint& checkpoint, const std::string& where);
  Checkpoint checkpoint() const;

  // To the end (true), or until the watch says stop (false). An error: the loss is no longer a number.
  Expected<bool> run(const Watch& watch);

  // The averaged weights of the epoch with the best validation accuracy.
  std::shared_ptr<Network> best() const;
  double best_accuracy() const { return best_accuracy_; }
  std::int64_t best_epoch() const { return best_epoch_; }

 private:
  Training(const Settings& settings, const Architecture& architecture, const data::Dataset& train,
           std::shared_ptr<Network> teacher, std::string description);
  double step(std::span<const std::uint32_t> indices);  // one batch; its loss
  void finish_epoch();

  Settings settings_;
  std::string description_;
  const data::Dataset* data_;
  Held held_;
  std::shared_ptr<Network> teacher_;  // or null
  std::shared_ptr<Network> network_;  // what the gradient moves
  std::shared_ptr<Network> average_;  // what is evaluated and kept
  std::unique_ptr<torch::optim::SGD> optimizer_;
  std::int64_t epoch_ = 0, batch_ = 0, batches_ = 0;
  double loss_sum_ = 0;
  double last_accuracy_ = -1, best_accuracy_ = -1;
  std::int64_t best_epoch_ = 0;
  std::vector<torch::Tensor> best_;
};

// How many of these images the network names rightly; in float32.
std::size_t correct(Network& network, const data::Dataset& data, std::span<const std::uint32_t> indices,
                    const Scaling& scaling);

}  // namespace syn::train
