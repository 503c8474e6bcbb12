#include "snn/model_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/text.hpp"
#include "snn/container.hpp"
#include "snn/model.pb.h"
#include "snn/model_header.hpp"

namespace syn::snn {
namespace {

using Lengths = std::array<std::uint64_t, 3>;

// The single truth about which tensors a model has, in which order and of how many elements; writing and reading both
// walk it. `visit(vector, name, label, length, other, third)`: the vector must have one of these lengths.
template <class M, class Visitor>
void visit_tensors(M& model, Visitor&& visitor) {
  const auto visit = [&](auto& values, const std::string& name, const char* label, std::uint64_t length,
                         std::uint64_t other, std::optional<std::uint64_t> third = {}) {
    visitor(values, name, label, std::array{length, other, third.value_or(other)});
  };
  for (auto& population : model.populations) {
    const std::uint64_t channels = population.shape.channels;
    const auto visit_membrane = [&](auto& membrane) {
      const std::uint64_t neurons = population.shape.neurons();
      visit(membrane.keep, population.name, "keep", channels, neurons, 0);
      visit(membrane.current_keep, population.name, "current_keep", channels, neurons, 0);
      visit(membrane.start, population.name, "start", channels, neurons, 0);
    };
    std::visit(
        [&](auto& kind) {
          using K = std::remove_cvref_t<decltype(kind)>;
          if constexpr (std::is_same_v<K, Source>) {
            visit(kind.scale, population.name, "scale", channels, 0);
            visit(kind.zero, population.name, "zero", channels, 0);
            visit(kind.padding, population.name, "padding", channels, 0);
          } else if constexpr (std::is_same_v<K, IntegrateAndFire>) {
            visit(kind.threshold, population.name, "threshold", channels, channels);
            visit(kind.bias, population.name, "bias", channels, population.shape.neurons());
          } else if constexpr (std::is_same_v<K, Leaky>) {
            const std::uint64_t neurons = population.shape.neurons();
            visit_membrane(kind.membrane);
            visit(kind.bias, population.name, "bias", channels, neurons, neurons);
            visit(kind.threshold, population.name, "threshold", channels, neurons, neurons);
            visit(kind.reset, population.name, "reset", channels, neurons, neurons);
            visit(kind.adaptation_keep, population.name, "adaptation_keep", channels, neurons, 0);
            visit(kind.jump, population.name, "jump", channels, neurons, 0);
          } else if constexpr (std::is_same_v<K, Readout>) {
            visit(kind.bias, population.name, "bias", channels, population.shape.neurons());
            if (kind.membrane) visit_membrane(*kind.membrane);
          } else {
            static_assert(std::is_same_v<K, Pooled>);
          }
        },
        population.kind);
    visit(population.amplitude, population.name, "amplitude", channels, 0);
  }
  for (auto& projection : model.projections) {
    const auto& from = model.populations[projection.from];
    const auto& to = model.populations[projection.to];
    const std::string& name = to.name;
    std::visit(
        [&](auto& connection) {
          using C = std::remove_cvref_t<decltype(connection)>;
          if constexpr (std::is_same_v<C, Conv>) {
            // structure_of() bounds a kernel to 2^16 positions and channels to 2^16: the product stays below 2^48.
            const std::uint64_t length = std::uint64_t{connection.kernel_height} * connection.kernel_width *
                                         from.shape.channels * to.shape.channels;
            visit(connection.weights, name, "weights", length, length);
          } else if constexpr (std::is_same_v<C, Dense>) {
            const std::uint64_t length = std::uint64_t{from.shape.neurons()} * to.shape.neurons();
            visit(connection.weights, name, "weights", length, length);
          } else if constexpr (std::is_same_v<C, Depthwise>) {
            const std::uint64_t length =
                std::uint64_t{connection.kernel_height} * connection.kernel_width * from.shape.channels;
            visit(connection.weights, name, "weights", length, length);
          } else if constexpr (std::is_same_v<C, OneToOne>) {
            visit(connection.multiplier, name, "multiplier", from.shape.channels, from.shape.channels);
          } else if constexpr (std::is_same_v<C, SumPool>) {
            visit(connection.multiplier, name, "multiplier", to.shape.positions(), 0);
          } else {
            static_assert(std::is_same_v<C, MaxPool>);
          }
        },
        projection.connection);
  }
}

}  // namespace

Bytes write_model(const Model& model) {
  proto::Model header;
  put_structure(model, header);
  std::vector<ByteView> tensors;
  visit_tensors(model, [&](const auto& values, const std::string&, const char*, const Lengths&) {
    tensors.push_back({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof values[0]});
  });
  return write_container(header, tensors);
}

Expected<ModelHash> hash_of(ByteView bytes, std::string_view where) {
  const auto header = checked_header(bytes, where);
  if (!header) return fail(header.error());
  ModelHash hash;
  std::memcpy(hash.bytes.data(), bytes.data() + 8, hash.bytes.size());
  return hash;
}

Expected<Profile> profile_of(ByteView bytes, std::string_view where) {
  const auto view = checked_header(bytes, where);
  if (!view) return fail(view.error());
  proto::Model header;
  if (!header.ParseFromArray(view->data(), static_cast<int>(view->size())))
    return broken("the header cannot be parsed", where);
  const bool real = std::ranges::find(header.required_features(), kRealFeature) != header.required_features().end();
  return real ? Profile::real : Profile::integer;
}

Expected<Model> read_model(ByteView bytes, std::string_view where) {
  proto::Model header;
  if (auto checked = read_container(bytes, where, {}, header); !checked) return fail(checked.error());
  auto structure = structure_of(header, where);
  if (!structure) return fail(structure.error());
  Model& model = *structure;

  int next = 0;
  std::string problem;
  visit_tensors(
      model, [&](auto& values, const std::string& name, const char* label, const Lengths& lengths) {
        using T = typename std::remove_cvref_t<decltype(values)>::value_type;
        if (!problem.empty()) return;
        if (next == header.tensors_size()) {
          problem = text::cat("'", name, "' has no tensor for its ", label);
          return;
        }
        const proto::Tensor& tensor = header.tensors(next++);
        // The length was checked against the file before; now the shape must ask for exactly that much.
        const std::uint64_t length = tensor.length() / sizeof(T);
        if (tensor.length() % sizeof(T) != 0 || std::ranges::find(lengths, length) == lengths.end()) {
          problem = text::cat("the ", label, " of '", name, "' has ", tensor.length(), " bytes where its shape needs ",
                              lengths[0], " values of ", sizeof(T));
          return;
        }
        values.resize(length);
        if (!values.empty()) std::memcpy(values.data(), bytes.data() + tensor.offset(), tensor.length());
        if constexpr (std::is_same_v<T, double>) {
          for (const double value : values)
            if (!std::isfinite(value)) problem = text::cat("the ", label, " of '", name, "' is not finite");
        }
      });
  if (problem.empty() && next != header.tensors_size()) problem = "tensors that nothing needs";
  if (!problem.empty()) return broken(std::move(problem), where);
  return structure;
}

Expected<> save_model(const Model& model, const std::filesystem::path& path) {
  return save_bytes(write_model(model), path);
}

Expected<Model> load_model(const std::filesystem::path& path) {
  const auto bytes = load_bytes(path);
  if (!bytes) return fail(bytes.error());
  return read_model(*bytes, path.string());
}

}  // namespace syn::snn
