#include "conversion/trainer/checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "core/sha256.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

constexpr std::array<std::uint8_t, 12> kMagic{'S', 'Y', 'N', 'T', 'R', 'A', 'I', 'N', 1, 0, 0, 0};
constexpr std::size_t kHeader = kMagic.size() + sizeof(Sha256::Digest);
constexpr std::int64_t kMostTensors = 10000;
constexpr const char* kAgain = "remove it and train again";

void put(torch::serialize::OutputArchive& archive, const char* name, const std::vector<torch::Tensor>& tensors) {
  archive.write(text::cat(name, ".count"), c10::IValue(static_cast<std::int64_t>(tensors.size())));
  for (std::size_t i = 0; i < tensors.size(); ++i) archive.write(text::cat(name, '.', i), tensors[i].detach());
}

c10::IValue value(torch::serialize::InputArchive& archive, const std::string& name) {
  c10::IValue out;
  archive.read(name, out);
  return out;
}

std::vector<torch::Tensor> tensors(torch::serialize::InputArchive& archive, const char* name) {
  const std::int64_t count = value(archive, text::cat(name, ".count")).toInt();
  TORCH_CHECK(count >= 0 && count <= kMostTensors, "bad count");
  std::vector<torch::Tensor> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) archive.read(text::cat(name, '.', i), out[i]);
  return out;
}

}  // namespace

Bytes encode(const Checkpoint& c) {
  torch::serialize::OutputArchive archive;
  archive.write("description", c10::IValue(c.description));
  archive.write("architecture", c10::IValue(c.architecture));
  archive.write("shape",
                torch::tensor({static_cast<std::int64_t>(c.input.channels), static_cast<std::int64_t>(c.input.height),
                               static_cast<std::int64_t>(c.input.width), static_cast<std::int64_t>(c.classes)},
                              torch::kInt64));
  archive.write("position", torch::tensor({c.epoch, c.batch, c.best_epoch}, torch::kInt64));
  archive.write("figures", torch::tensor({c.loss_sum, c.best_accuracy}, torch::kFloat64));
  put(archive, "weights", c.weights);
  put(archive, "average", c.average);
  put(archive, "best", c.best);
  put(archive, "momentum", c.momentum);

  Bytes out(kHeader);
  std::copy(kMagic.begin(), kMagic.end(), out.begin());
  archive.save_to([&](const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out.insert(out.end(), bytes, bytes + size);
    return size;
  });
  const auto digest = Sha256::of(ByteView(out).subspan(kHeader));
  std::copy(digest.begin(), digest.end(), out.begin() + kMagic.size());
  return out;
}

Expected<Checkpoint> decode(ByteView bytes, const std::string& where) {
  if (bytes.size() < kHeader || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    return fail("not a checkpoint of synfire-trainer (or of another version)", where, kAgain);
  }
  const ByteView body = bytes.subspan(kHeader);
  const auto digest = Sha256::of(body);
  if (!std::equal(digest.begin(), digest.end(), bytes.begin() + kMagic.size())) {
    return fail("the checkpoint is damaged or cut short: its checksum does not match", where, kAgain);
  }
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(reinterpret_cast<const char*>(body.data()), body.size());
    torch::Tensor shape, position, figures;
    archive.read("shape", shape);
    archive.read("position", position);
    archive.read("figures", figures);
    TORCH_CHECK(shape.numel() == 4 && position.numel() == 3 && figures.numel() == 2, "bad sizes");
    const auto size = [&](std::int64_t i) { return static_cast<std::size_t>(shape[i].item<std::int64_t>()); };
    return Checkpoint{.description = value(archive, "description").toStringRef(),
                      .architecture = value(archive, "architecture").toStringRef(),
                      .input = {size(0), size(1), size(2)},
                      .classes = size(3),
                      .epoch = position[0].item<std::int64_t>(),
                      .batch = position[1].item<std::int64_t>(),
                      .loss_sum = figures[0].item<double>(),
                      .best_accuracy = figures[1].item<double>(),
                      .best_epoch = position[2].item<std::int64_t>(),
                      .weights = tensors(archive, "weights"),
                      .average = tensors(archive, "average"),
                      .best = tensors(archive, "best"),
                      .momentum = tensors(archive, "momentum")};
  } catch (const std::exception&) {  // the digest matched, so another version of libtorch or of this program wrote it
    return fail("this libtorch cannot read the checkpoint", where, kAgain);
  }
}

Expected<std::shared_ptr<Network>> network_of(const Checkpoint& checkpoint, const std::string& where) {
  const auto layers = architecture(checkpoint.architecture);
  if (!layers) return fail(layers.error());
  if (checkpoint.best.empty())
    return fail("the checkpoint holds no finished epoch", where, "train for at least one epoch");
  if (const auto fits = flow(*layers, checkpoint.input, checkpoint.classes); !fits) return fail(fits.error());
  auto network = std::make_shared<Network>(*layers, checkpoint.input, checkpoint.classes);
  const auto own = network->tensors();
  const auto same = [](const torch::Tensor& a, const torch::Tensor& b) { return a.sizes() == b.sizes(); };
  if (!std::equal(own.begin(), own.end(), checkpoint.best.begin(), checkpoint.best.end(), same)) {
    return fail(text::cat("the weights are not those of this program's '", checkpoint.architecture, "'"), where,
                kAgain);
  }
  assign(own, checkpoint.best);
  network->eval();
  return network;
}

Expected<Bytes> read_file(const std::filesystem::path& path) {
  constexpr std::uintmax_t kGreatest = std::uintmax_t{1} << 30;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return fail("no such file", path.string(), "check the path");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size > kGreatest) return fail("the file is larger than 1 GiB", path.string(), "check the path");
  Bytes bytes(size);
  std::ifstream in(path, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return fail("the file cannot be read", path.string(), "check its permissions");
  }
  return bytes;
}

Expected<> write_file(const std::filesystem::path& path, ByteView bytes) {
  const std::string part = path.string() + ".part";
  const auto refuse = [&](const char* what) -> Expected<> {
    const std::string why = std::strerror(errno);
    ::unlink(part.c_str());
    return fail(text::cat(what, ": ", why), path.string(), "check the folder, its permissions and the free space");
  };
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return refuse("the file cannot be made");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      ::close(file);
      return refuse("the file cannot be written");
    }
    done += static_cast<std::size_t>(wrote);
  }
  const bool flushed = ::fsync(file) == 0;
  if (::close(file) != 0 || !flushed) return refuse("the file cannot be written");
  if (::rename(part.c_str(), path.c_str()) != 0) return refuse("the file cannot be renamed");
  return {};
}

}  // namespace syn::train
