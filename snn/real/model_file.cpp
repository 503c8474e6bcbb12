// Every population and every projection has one tensor: its numbers, field after field in the order in which its kind
// lists them; the header has how many each field has. Parameters are f64; weights f32 and indices u32 share one tensor.
#include "snn/real/model_file.hpp"

#include <cstring>

#include "core/text.hpp"
#include "snn/container.hpp"
#include "snn/model.pb.h"
#include "snn/model_header.hpp"

namespace syn::snn::real {
namespace {

// Field visitors (neurons/parts.hpp): values to header and tensor...
template <class Entry>
struct FieldWriter {
  Entry& entry;
  Bytes& numbers;

  template <class T>
  void append(const std::vector<T>& values) {
    entry.add_lengths(static_cast<std::uint32_t>(values.size()));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    numbers.insert(numbers.end(), bytes, bytes + values.size() * sizeof(T));
  }
  void parameter(const char*, const Parameter& values, Range) { append(values); }
  void weights(const char*, const std::vector<float>& values) { append(values); }
  void indices(const char*, const std::vector<std::uint32_t>& values) { append(values); }
  template <class E>
  void option(const char*, E value, E) {
    entry.add_settings(static_cast<std::uint32_t>(value));
  }
  void count(const char*, std::uint32_t value, std::uint32_t) { entry.add_settings(value); }
};

// ... and back. `ok` is false once a field is not there or has no meaning.
template <class Entry>
struct FieldReader {
  const Entry& entry;
  ByteView numbers;
  int setting = 0, length = 0;
  bool ok = true;

  template <class T>
  void take(std::vector<T>& values) {
    if (!ok || length >= entry.lengths_size()) return void(ok = false);
    const std::uint64_t bytes = std::uint64_t{entry.lengths(length++)} * sizeof(T);
    if (bytes > numbers.size()) return void(ok = false);
    values.resize(bytes / sizeof(T));
    if (bytes > 0) std::memcpy(values.data(), numbers.data(), bytes);
    numbers = numbers.subspan(bytes);
  }
  std::uint32_t next(std::uint32_t most) {
    if (!ok || setting >= entry.settings_size()) return ok = false, 0;
    const std::uint32_t value = entry.settings(setting++);
    ok = value <= most;
    return value;
  }
  void parameter(const char*, Parameter& values, Range) { take(values); }
  void weights(const char*, std::vector<float>& values) { take(values); }
  void indices(const char*, std::vector<std::uint32_t>& values) { take(values); }
  template <class E>
  void option(const char*, E& value, E last) {
    value = static_cast<E>(next(static_cast<std::uint32_t>(last)));
  }
  void count(const char*, std::uint32_t& value, std::uint32_t most) { value = next(most); }

  bool done() const {
    return ok && numbers.empty() && setting == entry.settings_size() && length == entry.lengths_size();
  }
};

template <class Variant, class Entry>
Bytes put_fields(const Variant& value, Entry& entry) {
  Bytes numbers;
  std::visit(
      [&]<class K>(const K& kind) {
        entry.set_kind(std::string(K::kName));
        K::fields(kind, FieldWriter<Entry>{entry, numbers});
      },
      value);
  return numbers;
}

// The kind that the entry names, with its fields.
template <class Variant, class Entry, std::size_t kNext = 0>
Expected<> get_fields(const Entry& entry, ByteView numbers, std::string_view what, std::string_view where,
                      Variant& value) {
  if constexpr (kNext == std::variant_size_v<Variant>) {
    return broken(text::cat(what, " is of a kind unknown to this program, '", entry.kind(), "'"), where);
  } else {
    using K = std::variant_alternative_t<kNext, Variant>;
    if (entry.kind() != K::kName) return get_fields<Variant, Entry, kNext + 1>(entry, numbers, what, where, value);
    K kind;
    FieldReader<Entry> reader{entry, numbers};
    K::fields(kind, reader);
    if (!reader.done())
      return broken(text::cat(what, " does not have the numbers and settings of kind '", K::kName, "'"), where);
    value = std::move(kind);
    return {};
  }
}

void put_ports(const std::vector<Port>& ports, auto&& add) {
  for (const Port& port : ports) {
    proto::RealPort& p = *add();
    p.set_name(port.name);
    p.set_population(port.population);
  }
}
std::vector<Port> get_ports(const auto& ports) {
  std::vector<Port> out;
  for (const auto& port : ports) out.push_back({port.name(), port.population()});
  return out;
}

}  // namespace

Expected<Bytes> write_model(const Model& model) {
  if (auto checked = check(model); !checked) return fail(checked.error());
  proto::Model header;
  header.add_required_features(std::string(kRealFeature));
  header.set_name(model.name);
  for (const auto& [key, value] : model.notes) {
    proto::Note& note = *header.add_notes();
    note.set_key(key);
    note.set_value(value);
  }
  proto::RealModel& real = *header.mutable_real();
  real.set_dt(model.dt);
  std::vector<Bytes> tensors;
  for (const Population& population : model.populations) {
    proto::RealPopulation& p = *real.add_populations();
    p.set_name(population.name);
    for (const std::uint32_t side : population.shape) p.add_shape(side);
    tensors.push_back(put_fields(population.neurons, p));
  }
  for (const Projection& projection : model.projections) {
    proto::RealProjection& p = *real.add_projections();
    p.set_from(projection.from);
    p.set_to(projection.to);
    p.set_delay(projection.delay);
    tensors.push_back(put_fields(projection.connection, p));
  }
  put_ports(model.inputs, [&] { return real.add_inputs(); });
  put_ports(model.outputs, [&] { return real.add_outputs(); });
  const std::vector<ByteView> views(tensors.begin(), tensors.end());
  Bytes bytes = write_container(header, views);
  if (header.ByteSizeLong() > kMaxHeader)
    return fail(text::cat("its header has ", header.ByteSizeLong(), " bytes, above ", kMaxHeader),
                text::cat("the model '", model.name, "'"), "join populations, or shorten notes and names");
  return bytes;
}

Expected<Model> read_model(ByteView bytes, std::string_view where) {
  proto::Model header;
  if (auto checked = read_container(bytes, where, kRealFeature, header); !checked) return fail(checked.error());
  const proto::RealModel& real = header.real();
  if (real.populations_size() + real.projections_size() != header.tensors_size())
    return broken("populations and projections do not have a tensor each", where);
  if (real.populations_size() > static_cast<int>(kMostPopulations) ||
      real.projections_size() > static_cast<int>(kMostProjections))
    return broken("too many populations or projections", where);

  Model model{.name = header.name(), .dt = real.dt()};
  int next = 0;
  const auto numbers = [&] {
    const proto::Tensor& tensor = header.tensors(next++);
    return bytes.subspan(tensor.offset(), tensor.length());
  };
  for (const auto& p : real.populations()) {
    Population& population = model.populations.emplace_back();
    population.name = p.name();
    population.shape.assign(p.shape().begin(), p.shape().end());
    const std::string what = text::cat("population '", population.name, "'");
    if (auto got = get_fields(p, numbers(), what, where, population.neurons); !got) return fail(got.error());
  }
  for (const auto& p : real.projections()) {
    Projection& projection = model.projections.emplace_back();
    projection.from = p.from(), projection.to = p.to(), projection.delay = p.delay();
    const std::string what = text::cat("projection ", model.projections.size() - 1);
    if (auto got = get_fields(p, numbers(), what, where, projection.connection); !got) return fail(got.error());
  }
  model.inputs = get_ports(real.inputs());
  model.outputs = get_ports(real.outputs());
  for (const auto& note : header.notes()) model.notes.emplace_back(note.key(), note.value());
  if (auto checked = check(model); !checked) return broken(checked.error().what, where);
  return model;
}

Expected<> save_model(const Model& model, const std::filesystem::path& path) {
  const auto bytes = write_model(model);
  return bytes ? save_bytes(*bytes, path) : fail(bytes.error());
}

Expected<Model> load_model(const std::filesystem::path& path) {
  const auto bytes = load_bytes(path);
  if (!bytes) return fail(bytes.error());
  return read_model(*bytes, path.string());
}

}  // namespace syn::snn::real
