// `.syn` files, each twice: as it is, and mended. Every byte of the format is hashed, so that no mutation would get
// past the first check; mending sets the magic, the lengths and the hashes to what the bytes call for and leaves the
// rest as the fuzzer made it.
#include <algorithm>
#include <bit>
#include <cstring>

#include "core/sha256.hpp"
#include "snn/engine.hpp"
#include "snn/model.pb.h"
#include "snn/model_file.hpp"
#include "snn/real/engine.hpp"
#include "snn/real/model_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

constexpr std::size_t kPreamble = 64, kAlign = 64;
constexpr std::uint64_t kSmall = 1 << 14;      // neurons
constexpr std::uint64_t kSmallWork = 1 << 22;  // synaptic operations a row

std::size_t aligned(std::size_t at) {
  return (at + kAlign - 1) / kAlign * kAlign;
}
template <class T>
T load(ByteView bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Nothing if the header cannot even be parsed.
Bytes mended(ByteView input) {
  if (input.size() < kPreamble) return {};
  const std::size_t header_size = std::min<std::uint64_t>(load<std::uint64_t>(input, 48), input.size() - kPreamble);
  snn::proto::Model header;
  if (!header.ParseFromArray(input.data() + kPreamble, static_cast<int>(header_size))) return {};
  if (header.tensors_size() > 4096) return {};
  // The tensors' lengths are the fuzzer's, their bytes are what follows the header, repeated as needed.
  const ByteView pool = input.subspan(kPreamble + header_size);
  std::vector<Bytes> tensors;
  std::size_t room = 1 << 16, next = 0;
  for (auto& tensor : *header.mutable_tensors()) {
    Bytes bytes(std::min<std::uint64_t>(tensor.length(), room));
    room -= bytes.size();
    for (auto& byte : bytes) byte = pool.empty() ? 0 : pool[next++ % pool.size()];
    tensor.set_length(bytes.size());
    const auto digest = Sha256::of(bytes);
    tensor.set_sha256(digest.data(), digest.size());
    tensors.push_back(std::move(bytes));
  }
  std::size_t size = header.ByteSizeLong(), end = 0;
  for (;;) {  // offsets are inside of what they depend on
    end = kPreamble + size;
    for (auto& tensor : *header.mutable_tensors()) {
      tensor.set_offset(tensor.length() == 0 ? end : aligned(end));
      end = tensor.offset() + tensor.length();
    }
    if (header.ByteSizeLong() == size) break;
    size = header.ByteSizeLong();
  }
  Bytes out(end);
  header.SerializeToArray(out.data() + kPreamble, static_cast<int>(size));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::ranges::copy(tensors[i],
                      out.begin() + static_cast<std::ptrdiff_t>(header.tensors(static_cast<int>(i)).offset()));
  }
  const auto put = [&](std::size_t at, const auto& value) { std::memcpy(out.data() + at, &value, sizeof value); };
  std::memcpy(out.data(), "SYNFIRE\0", 8);
  put(8, Sha256::of(ByteView(out).subspan(kPreamble, size)));
  put(40, std::uint32_t{1});
  put(48, std::uint64_t{size});
  put(56, std::uint64_t{out.size()});
  return out;
}

bool small(const snn::Model& model) {
  std::uint64_t neurons = 0, work = 0;
  for (const auto& population : model.populations) neurons += population.shape.neurons();
  const auto delays = snn::longest_delays(model);
  for (std::size_t i = 0; i < delays.size(); ++i) {
    const std::uint64_t of_one = model.populations[i].shape.neurons();
    if (of_one > kSmallWork || delays[i] > kSmallWork / of_one) return false;
  }
  for (const auto& projection : model.projections) {
    std::uint64_t window = model.populations[projection.from].shape.neurons();
    std::visit(
        [&](const auto& c) {
          if constexpr (requires { c.kernel_height; }) window = std::uint64_t{c.kernel_height} * c.kernel_width;
          if constexpr (requires { c.kernel_height, c.weights; }) {
            window *= model.populations[projection.from].shape.channels;
          }
        },
        projection.connection);
    const std::uint64_t targets = model.populations[projection.to].shape.neurons();
    if (window > kSmallWork || targets > kSmallWork || window * targets > kSmallWork) return false;
    work += window * targets;
  }
  return neurons <= kSmall && work <= kSmallWork && std::uint64_t{model.rows()} * (neurons + work) <= kSmallWork;
}

// One inference in windows of `rows` rows; every output of it, in order.
std::vector<std::int64_t> run(const snn::Engine& engine, std::uint32_t rows) {
  const snn::Model& model = engine.model();
  snn::State state;
  std::vector<std::int64_t> out;
  std::vector<Count> sums;
  std::uint64_t checksum = 0;
  for (std::uint32_t row = 0; row < model.rows(); row += rows) {
    snn::Window window;
    window.rows = std::min(rows, model.rows() - row);
    for (const auto& population : model.populations) {
      if (!std::holds_alternative<snn::Source>(population.kind)) continue;
      auto& counts = window.in.emplace_back(std::size_t{window.rows} * population.shape.neurons());
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const std::size_t at = std::size_t{row} * population.shape.neurons() + i;
        counts[i] = static_cast<Count>(at * 7 % (population.greatest + 1));
      }
    }
    engine.run(state, window);
    for (const auto& counts : window.out) out.insert(out.end(), counts.begin(), counts.end());
    out.insert(out.end(), window.potentials.begin(), window.potentials.end());
    checksum += window.checksum;
  }
  std::ranges::sort(out);  // several outputs interleave differently in other windows
  out.push_back(static_cast<std::int64_t>(checksum));
  return out;
}

// Everything that one step could cost, generously.
bool small(const snn::real::Model& model) {
  std::uint64_t work = 0;
  for (const auto& population : model.populations) {
    work += snn::real::neurons_of(population.shape) * (population.shape.size() + 20);
    if (const auto* lif = std::get_if<snn::real::Lif>(&population.neurons); lif && lif->firing.most > 64) return false;
    if (const auto* cell = std::get_if<snn::real::Izhikevich>(&population.neurons)) {
      work += cell->substeps * snn::real::neurons_of(population.shape);
    }
  }
  const auto delays = snn::real::longest_delays(model);
  for (std::size_t i = 0; i < delays.size(); ++i) work += delays[i] * snn::real::neurons_of(model.populations[i].shape);
  for (const auto& projection : model.projections) {
    const std::uint64_t from = snn::real::neurons_of(model.populations[projection.from].shape);
    work += from * snn::real::neurons_of(model.populations[projection.to].shape);
    if (work > kSmallWork) return false;
  }
  return work <= kSmallWork;
}

// A few steps in calls of `most`; the bits of all outputs, or nothing if the run was refused.
std::vector<std::uint64_t> run(snn::real::Engine& engine, std::uint32_t most) {
  constexpr std::uint32_t kSteps = 4;
  snn::real::State state = engine.start();
  std::vector<std::uint64_t> out;
  for (std::uint32_t t = 0; t < kSteps; t += most) {
    snn::real::Window window{.steps = most};
    std::vector<std::vector<float>> inputs;
    for (const auto& port : engine.model().inputs) {
      const std::size_t neurons = snn::real::neurons_of(engine.model().populations[port.population].shape);
      auto& input = inputs.emplace_back(neurons * most);
      for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>((t * neurons + i) * 7 % 5) - 1;
    }
    for (const auto& input : inputs) window.in.push_back(input);
    if (!accepted(engine.run(state, window))) return {};
    for (const auto& values : window.out)
      for (const double value : values) out.push_back(std::bit_cast<std::uint64_t>(value));
  }
  const Bytes bytes = snn::real::Engine::to_bytes(state);
  const auto restored = engine.restore(bytes);
  SYN_ASSERT(restored.has_value());
  SYN_ASSERT(*restored == state);
  for (const double value : state.values) out.push_back(std::bit_cast<std::uint64_t>(value));
  return out;
}

void read_real(ByteView bytes) {
  auto model = snn::real::read_model(bytes, "fuzz");
  if (!accepted(model)) return;
  const auto written = snn::real::write_model(*model);
  SYN_ASSERT(written.has_value(), written.error().what);
  const auto again = snn::real::read_model(*written, "again");
  SYN_ASSERT(again.has_value(), again.error().what);
  SYN_ASSERT(*again == *model);
  if (!small(*model)) return;
  auto plain = snn::real::Engine::make(*model, snn::real::Engine::loop_names().back());
  auto fast = snn::real::Engine::make(std::move(*model));
  SYN_ASSERT(plain.has_value() && fast.has_value());  // what was read has been checked
  const auto result = run(*fast, 4);
  SYN_ASSERT(result == run(*plain, 4));
  if (fast->model().outputs.size() <= 1) SYN_ASSERT(result == run(*fast, 1));  // several outputs would interleave
}

void read(ByteView bytes) {
  if (const auto profile = snn::profile_of(bytes, "fuzz"); profile && *profile == snn::Profile::real) {
    SYN_ASSERT(!snn::read_model(bytes, "fuzz").has_value());
    return read_real(bytes);
  }
  auto model = snn::read_model(bytes, "fuzz");
  if (!accepted(model)) return;
  const auto hash = snn::hash_of(bytes, "fuzz");
  SYN_ASSERT(hash.has_value());
  const Bytes written = snn::write_model(*model);
  const auto again = snn::read_model(written, "again");
  SYN_ASSERT(again.has_value(), again.error().what);
  SYN_ASSERT(*again == *model);
  SYN_ASSERT(snn::write_model(*again) == written);
  if (!small(*model)) return;
  const auto plain = snn::Engine::make(*model, snn::Engine::kernel_names().back());
  const auto fast = snn::Engine::make(std::move(*model));
  SYN_ASSERT(plain.has_value() == fast.has_value());
  if (!accepted(fast)) return;
  const std::uint32_t rows = fast->model().rows();
  const auto result = run(*fast, rows);
  SYN_ASSERT(result == run(*plain, rows));
  if (rows > 1) SYN_ASSERT(result == run(*fast, rows / 2));
}

}  // namespace

void syn(ByteView input) {
  read(input);
  if (const Bytes bytes = mended(input); !bytes.empty()) read(bytes);
}

}  // namespace syn::fuzz
