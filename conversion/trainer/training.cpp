#include "conversion/trainer/training.hpp"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cmath>

#include "conversion/trainer/loss.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

// While this lives, convolutions and products run in bfloat16. Weights, sums and the loss stay float32.
class Autocast {
 public:
  explicit Autocast(bool on) : on_(on) {
    if (!on_) return;
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(true);
  }
  ~Autocast() {
    if (!on_) return;
    at::autocast::set_cpu_enabled(false);
    at::autocast::clear_cache();  // of weights in bfloat16, which the next step changes
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
};

torch::Tensor images_tensor(const data::Dataset& data, std::size_t count) {
  return torch::empty({static_cast<std::int64_t>(count), static_cast<std::int64_t>(data.steps * data.shape.channels),
                       static_cast<std::int64_t>(data.shape.height), static_cast<std::int64_t>(data.shape.width)});
}

torch::Tensor labels_tensor(const data::Dataset& data, std::span<const std::uint32_t> indices) {
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(indices.size())}, torch::kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  for (const std::uint32_t index : indices) *to++ = data.labels[index];
  return out;
}

torch::optim::SGD make_optimizer(const Network& network, const Settings& settings) {
  std::vector<torch::Tensor> weights, others;  // BatchNormalization's scale and shift, and biases, are not decayed
  for (const torch::Tensor& parameter : network.parameters())
    (parameter.dim() > 1 ? weights : others).push_back(parameter);
  const auto options = [&](double decay) {
    return std::make_unique<torch::optim::SGDOptions>(torch::optim::SGDOptions(settings.rate)
                                                          .momentum(settings.momentum)
                                                          .nesterov(settings.momentum > 0)
                                                          .weight_decay(decay));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::move(weights), options(settings.weight_decay));
  groups.emplace_back(std::move(others), options(0));
  return torch::optim::SGD(std::move(groups), torch::optim::SGDOptions(settings.rate));
}

// The optimizer keys its state by the address of a parameter; this is that key.
std::string key_of(const torch::Tensor& parameter) {
  return c10::guts::to_string(parameter.unsafeGetTensorImpl());
}

bool same_sizes(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.sizes() == y.sizes(); });
}

}  // namespace

Expected<Training> Training::start(const Settings& settings, const data::Dataset& train,
                                   std::shared_ptr<Network> teacher, const std::string& teacher_name) {
  const auto layers = architecture(settings.architecture);
  if (!layers) return fail(layers.error());
  if (const auto fits = flow(*layers, train.shape, train.classes); !fits) return fail(fits.error());
  if (layers->spiking != settings.framing.has_value()) {
    return fail(
        text::cat("the architecture '", layers->name, "' is for ", layers->spiking ? "recordings of events" : "images"),
        train.name, layers->spiking ? "give --data events:FOLDER" : "use --arch events");
  }
  if (train.count <= settings.validation) {
    return fail(text::cat(settings.validation, " of ", train.count, " images are held out: none is left to learn from"),
                "--validation", "hold out fewer");
  }
  if (teacher && (teacher->input() != train.shape || teacher->classes() != train.classes ||
                  teacher->architecture().spiking != layers->spiking)) {
    return fail("the teacher was taught with images of another shape or kind, or other classes", teacher_name,
                "train a teacher on the same data");
  }
  SYN_ASSERT((teacher != nullptr) == settings.distillation.has_value());
  std::string description = text::cat(train.name, ' ', train.count, ", ", describe(settings));
  if (teacher) description += ", teacher " + teacher_name;
  torch::manual_seed(hash64(settings.seed ^ hash64("first weights")));
  return Training(settings, *layers, train, std::move(teacher), std::move(description));
}

Training::Training(const Settings& settings, const Architecture& layers, const data::Dataset& train,
                   std::shared_ptr<Network> teacher, std::string description)
    : settings_(settings),
      description_(std::move(description)),
      data_(&train),
      held_(hold_out(train.count, settings.validation)),
      teacher_(std::move(teacher)),
      network_(std::make_shared<Network>(layers, train.shape, train.classes)),
      average_(std::make_shared<Network>(layers, train.shape, train.classes)),
      optimizer_(std::make_unique<torch::optim::SGD>(make_optimizer(*network_, settings))),
      // The last, smaller batch of an epoch is left out: BatchNormalization would learn from too few images.
      batches_(std::max<std::int64_t>(1, static_cast<std::int64_t>(held_.training.size()) / settings.batch)) {
  assign(average_->tensors(), network_->tensors());
  average_->eval();
  network_->train();
  if (teacher_) teacher_->eval();
}

Expected<> Training::resume(const Checkpoint& c, const std::string& where) {
  if (c.description != description_) {
    return fail(text::cat("the checkpoint belongs to another run: ", c.description), where,
                text::cat("use another --checkpoint file, or the same settings (now: ", description_, ")"));
  }
  const auto parameters = network_->parameters();
  if (!same_sizes(c.weights, network_->tensors()) || !same_sizes(c.average, network_->tensors()) ||
      (!c.best.empty() && !same_sizes(c.best, network_->tensors())) ||
      (!c.momentum.empty() && !same_sizes(c.momentum, parameters)) || c.epoch < 0 || c.batch < 0 ||
      c.batch > batches_) {
    return fail("the checkpoint's weights do not fit this program's architecture", where, "remove it and train again");
  }
  assign(network_->tensors(), c.weights);
  assign(average_->tensors(), c.average);
  best_ = copy_of(c.best);
  epoch_ = c.epoch, batch_ = c.batch, loss_sum_ = c.loss_sum;
  best_accuracy_ = c.best_accuracy, best_epoch_ = c.best_epoch;
  for (std::size_t i = 0; i < c.momentum.size(); ++i) {
    auto state = std::make_unique<torch::optim::SGDParamState>();
    state->momentum_buffer(c.momentum[i].clone());
    optimizer_->state()[key_of(parameters[i])] = std::move(state);
  }
  return {};
}

Checkpoint Training::checkpoint() const {
  Checkpoint out{.description = description_,
                 .architecture = settings_.architecture,
                 .input = data_->shape,
                 .classes = data_->classes,
                 .epoch = epoch_,
                 .batch = batch_,
                 .loss_sum = loss_sum_,
                 .best_accuracy = best_accuracy_,
                 .best_epoch = best_epoch_,
                 .weights = copy_of(network_->tensors()),
                 .average = copy_of(average_->tensors()),
                 .best = copy_of(best_),
                 .momentum = {}};
  const auto& state = optimizer_->state();
  for (const torch::Tensor& parameter : network_->parameters()) {
    const auto found = state.find(key_of(parameter));
    if (found == state.end()) break;  // no step yet: none has a state
    out.momentum.push_back(static_cast<torch::optim::SGDParamState&>(*found->second).momentum_buffer().clone());
  }
  return out;
}

Expected<bool> Training::run(const Watch& watch) {
  while (epoch_ < settings_.epochs) {
    const auto order = shuffled(held_.training, settings_.seed, static_cast<int>(epoch_));
    const auto size = std::min<std::size_t>(static_cast<std::size_t>(settings_.batch), order.size());
    while (batch_ < batches_) {
      const double loss = step(std::span(order).subspan(static_cast<std::size_t>(batch_) * size, size));
      if (!std::isfinite(loss)) {
        return fail(text::cat("the loss is no longer a number (epoch ", epoch_ + 1, ", batch ", batch_ + 1, ")"),
                    settings_.architecture, "use a smaller --lr");
      }
      loss_sum_ += loss;
      ++batch_;
      Progress now{.epoch = epoch_ + 1,
                   .epochs = settings_.epochs,
                   .batch = batch_,
                   .batches = batches_,
                   .loss = loss_sum_ / static_cast<double>(batch_)};
      if (batch_ == batches_) {
        finish_epoch();
        now.epoch_done = true;
        now.validation_accuracy = last_accuracy_;
        now.best_accuracy = best_accuracy_;
      }
      if (watch.after_batch && !watch.after_batch(now)) return epoch_ == settings_.epochs;
      if (now.epoch_done) break;
    }
  }
  return true;
}

double Training::step(std::span<const std::uint32_t> indices) {
  const std::string name = text::cat("batch ", epoch_, ' ', batch_);
  SeededRandom random = SeededRandom(settings_.seed).split(name);
  torch::manual_seed(random.u64());  // dropout's
  torch::Tensor images = images_tensor(*data_, indices.size());
  const std::size_t pixels = data_->image_size();
  const data::Shape film{data_->steps * data_->shape.channels, data_->shape.height, data_->shape.width};
  auto* to = images.data_ptr<float>();
  for (const std::uint32_t index : indices) {
    augment(data_->image(index), film, settings_.augmentation, settings_.scaling, random, {to, pixels});
    to += pixels;
  }
  const torch::Tensor labels = labels_tensor(*data_, indices);

  const std::int64_t done = epoch_ * batches_ + batch_;
  const double rate = learning_rate(settings_.rate, done, settings_.epochs * batches_);
  for (auto& group : optimizer_->param_groups()) static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
  optimizer_->zero_grad();
  const bool spiking = network_->architecture().spiking;
  torch::Tensor scores, taught;
  {
    const Autocast autocast(settings_.bfloat16);
    scores = (spiking && !teacher_ ? network_->potentials(images) : network_->forward(images)).to(torch::kFloat32);
    if (teacher_) {
      const torch::NoGradGuard guard;
      taught = teacher_->forward(images).to(torch::kFloat32);
    }
  }
  const torch::Tensor loss = teacher_  ? distillation_loss(scores, taught, labels, *settings_.distillation)
                             : spiking ? stream_loss(scores, labels)
                                       : torch::cross_entropy_loss(scores, labels);
  loss.backward();
  optimizer_->step();

  // The average's memory grows with the run, so that the first random weights are soon forgotten.
  const torch::NoGradGuard guard;
  const double memory = std::min(settings_.average, static_cast<double>(1 + done) / static_cast<double>(10 + done));
  const auto from = network_->tensors(), into = average_->tensors();
  for (std::size_t i = 0; i < into.size(); ++i) {
    auto kept = into[i];
    if (kept.is_floating_point()) {
      kept.lerp_(from[i], 1 - memory);
    } else {
      kept.copy_(from[i]);
    }
  }
  return loss.item<double>();
}

void Training::finish_epoch() {
  ++epoch_;
  batch_ = 0;
  loss_sum_ = 0;
  const auto total = static_cast<double>(held_.validation.size());
  last_accuracy_ =
      total == 0 ? -1 : static_cast<double>(correct(*average_, *data_, held_.validation, settings_.scaling)) / total;
  if (last_accuracy_ >= best_accuracy_) {  // of equals the later one, which has seen the lower rate
    best_accuracy_ = last_accuracy_;
    best_epoch_ = epoch_;
    best_ = copy_of(average_->tensors());
  }
}

std::shared_ptr<Network> Training::best() const {
  auto out = std::make_shared<Network>(network_->architecture(), data_->shape, data_->classes);
  assign(out->tensors(), best_.empty() ? average_->tensors() : best_);
  out->eval();
  return out;
}

std::size_t correct(Network& network, const data::Dataset& data, std::span<const std::uint32_t> indices,
                    const Scaling& scaling) {
  constexpr std::size_t kBatch = 250;
  const torch::NoGradGuard guard;
  const std::size_t pixels = data.image_size();
  std::size_t right = 0;
  for (std::size_t at = 0; at < indices.size(); at += kBatch) {
    const auto part = indices.subspan(at, std::min(kBatch, indices.size() - at));
    torch::Tensor images = images_tensor(data, part.size());
    auto* to = images.data_ptr<float>();
    for (const std::uint32_t index : part) {
      for (const std::uint8_t pixel : data.image(index)) *to++ = scaling(pixel);
    }
    SYN_ASSERT(to == images.data_ptr<float>() + part.size() * pixels);
    const torch::Tensor guess = network.forward(images).argmax(1);
    right += static_cast<std::size_t>(guess.eq(labels_tensor(data, part)).sum().item<std::int64_t>());
  }
  return right;
}

}  // namespace syn::train
