#include "bench/peers/comparison.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bench/peers/resident.hpp"
#include "bench/timing/machine.hpp"
#include "conversion/ann/shapes.hpp"
#include "conversion/choose_code.hpp"
#include "conversion/convert.hpp"
#include "conversion/fold.hpp"
#include "conversion/onnx/read.hpp"
#include "core/text.hpp"
#include "snn/model_file.hpp"

namespace syn::peers {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kGreatestFile = std::uint64_t{2} << 30;  // Protobuf's own limit

Expected<Bytes> read_file(const std::string& path) {
  std::error_code trouble;
  const std::uint64_t size = fs::file_size(path, trouble);
  if (trouble || size > kGreatestFile)
    return fail(trouble ? "it cannot be read: " + trouble.message() : "it is larger than 2 GB", path, "check the path");
  Bytes bytes(size);
  std::ifstream in(path, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    return fail("it cannot be read", path, "check its rights");
  return bytes;
}

// Where the networks that were made lie: for the children that measure memory, and for whoever wants to look at them.
class Folder {
 public:
  explicit Folder(const std::string& keep) : kept_(!keep.empty()) {
    std::error_code ignored;
    if (kept_) {
      path_ = keep;
      fs::create_directories(path_, ignored);
      return;
    }
    std::string name = (fs::temp_directory_path() / "synfire-peers-XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!kept_ && !path_.empty()) fs::remove_all(path_, ignored);
  }
  Expected<std::string> save(const std::string& name, ByteView bytes) const {
    const std::string path = (path_ / name).string();
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (path_.empty() || !out) return fail("it cannot be written", path, "check --keep, TMPDIR and the free space");
    return path;
  }

 private:
  fs::path path_;
  bool kept_;
};

// A row with what it takes to run it.
struct Entrant {
  Row row;
  // (images a call, threads)
  std::function<Expected<std::unique_ptr<Contender>>(std::size_t, std::uint32_t)> make;
  std::string saved;   // its network's file
  bool bytes = false;  // Dense::bytes
  std::unique_ptr<Contender> one = {};
};

class Comparing {
 public:
  Comparing(const std::string& file, const Splits& data, const Runtime& runtime, const CompareOptions& options)
      : data_(data), runtime_(runtime), options_(options), folder_(options.keep) {
    result_.file = file;
    result_.data = data.test.name;
    result_.images = data.test.count;
  }

  Expected<Comparison> run() {
    if (auto done = prepare(); !done) return fail(done.error());
    for (Entrant& entrant : entrants_) judge(entrant);
    const bench::Bystanders bystanders;
    if (auto done = race_singly(); !done) return fail(done.error());
    if (auto done = race_batches(); !done) return fail(done.error());
    if (auto done = race_threads(); !done) return fail(done.error());
    result_.bystanders = bystanders.cores();
    for (Entrant& entrant : entrants_) result_.rows.push_back(std::move(entrant.row));
    std::ranges::move(more_, std::back_inserter(result_.rows));
    return std::move(result_);
  }

 private:
  Expected<> prepare() {
    for (const std::vector<float>* values : {&options_.normalisation.mean, &options_.normalisation.std}) {
      if (values->size() > 1 && values->size() != data_.test.shape.channels) {
        return fail(text::cat(values->size(), " values for ", data_.test.shape.channels, " channels"),
                    "--mean or --std", "give one value, or one per channel");
      }
    }
    auto bytes = read_file(result_.file);
    if (!bytes) return fail(bytes.error());
    float_ = std::move(*bytes);
    const auto graph = onnx_file::read(float_, result_.file);
    if (!graph) return fail(graph.error());
    const auto shapes = ann::shapes(*graph);
    if (!shapes) return fail(shapes.error());
    classes_ = static_cast<std::size_t>(ann::elements(shapes->at(graph->output)));
    entrants_.push_back({{.engine = "onnxruntime float32"}, make_dense(float_, false), result_.file});
    entrants_.push_back(int8(*graph));
    for (const Spiking& spiking : options_.spiking) entrants_.push_back(convert_to(*graph, spiking));
    return {};
  }

  std::function<Expected<std::unique_ptr<Contender>>(std::size_t, std::uint32_t)> make_dense(ByteView onnx,
                                                                                             bool bytes) const {
    return [this, onnx, bytes](std::size_t batch, std::uint32_t threads) {
      const Dense dense{.onnx = onnx, .bytes = bytes, .classes = classes_, .threads = threads, .batch = batch};
      return make_onnxruntime(runtime_, dense, data_.test.shape, options_.normalisation);
    };
  }

  Entrant int8(const ann::Graph& graph) {
    Entrant entrant{.row = {.engine = "onnxruntime int8"}, .make = {}, .saved = {}};
    const auto made = [&]() -> Expected<> {
      const auto folded = fold(graph);
      if (!folded) return fail(folded.error());
      const auto ranges = find_ranges(*folded, data_.train, options_.normalisation, options_.calibration_images);
      if (!ranges) return fail(ranges.error());
      auto quantised = quantise(*folded, *ranges, options_.normalisation);
      if (!quantised) return fail(quantised.error());
      int8_ = std::move(quantised->onnx);
      entrant.bytes = quantised->bytes;
      entrant.make = make_dense(int8_, quantised->bytes);
      return save(entrant, ".int8.onnx", int8_);
    }();
    if (!made) entrant.row.trouble = made.error();
    return entrant;
  }

  Entrant convert_to(const ann::Graph& graph, const Spiking& spiking) {
    const ConvertOptions how{.code = spiking.code,
                             .steps = spiking.steps,
                             .seed = options_.seed,
                             .threads = options_.preparing_threads,
                             .calibration_images = static_cast<std::uint32_t>(options_.calibration_images),
                             .mean = options_.normalisation.mean,
                             .std = options_.normalisation.std};
    const auto made = [&]() -> Expected<Converted> {
      if (!spiking.automatic) return convert(graph, data_.train, how);
      auto chosen = choose_code(graph, data_.train, {.convert = how});
      if (!chosen) return fail(chosen.error());
      return std::move(chosen->converted);
    };
    auto converted = made();
    const snn::Code code = converted ? converted->model.code : spiking.code;
    const std::string name = text::cat(snn::name_of(code), ' ', converted ? converted->model.steps : spiking.steps);
    Entrant entrant{
        .row = {.engine = (spiking.automatic ? "synfire auto: " : "synfire ") + name}, .make = {}, .saved = {}};
    if (!converted) {
      entrant.row.trouble = converted.error();
      return entrant;
    }
    std::string ending = text::cat(spiking.automatic ? ".auto-" : ".", name, ".syn");
    std::ranges::replace(ending, ' ', '-');
    if (auto saved = save(entrant, ending, snn::write_model(converted->model)); !saved)
      entrant.row.trouble = saved.error();
    entrant.make = [this, model = std::move(converted->model)](std::size_t batch, std::uint32_t threads) {
      return make_synfire(model, {.threads = threads, .batch = batch, .accounts = options_.accounts},
                          options_.normalisation);
    };
    return entrant;
  }

  Expected<> save(Entrant& entrant, const std::string& ending, ByteView bytes) const {
    auto path = folder_.save(fs::path(result_.file).stem().string() + ending, bytes);
    if (!path) return fail(path.error());
    entrant.saved = std::move(*path);
    return {};
  }

  // Accuracy and memory: whoever fails here takes no part in the races.
  void judge(Entrant& entrant) {
    if (!entrant.row.trouble.what.empty()) return;
    auto one = entrant.make(1, 1);
    if (one) {
      if (const auto correct = count_correct(**one, data_.test)) {
        entrant.row.accuracy = static_cast<double>(*correct) / static_cast<double>(data_.test.count);
        entrant.one = std::move(*one);
      } else {
        entrant.row.trouble = correct.error();
      }
    } else {
      entrant.row.trouble = one.error();
    }
    if (!entrant.one) return;
    entrant.row.resident = resident_in_child({.network = entrant.saved,
                                              .bytes = entrant.bytes,
                                              .classes = classes_,
                                              .library = runtime_.path(),
                                              .data = data_.test.name,
                                              .normalisation = options_.normalisation});
  }

  std::vector<Entrant*> running() {
    std::vector<Entrant*> out;
    for (Entrant& entrant : entrants_) {
      if (entrant.one) out.push_back(&entrant);
    }
    return out;
  }

  Expected<> race_singly() {
    const auto entrants = running();
    std::vector<Contender*> contenders;
    for (const Entrant* entrant : entrants) contenders.push_back(entrant->one.get());
    auto laps = race(contenders, data_.test, options_.race);
    if (!laps) return fail(laps.error());
    for (std::size_t i = 0; i < entrants.size(); ++i) entrants[i]->row.latency = std::move((*laps)[i]);
    return {};
  }

  bool has_batches() const { return options_.batch > 1 && data_.test.count >= options_.batch; }
  double per_second(const Laps& laps) const {
    return static_cast<double>(options_.batch) * 1e6 / quartiles(laps.us).median;
  }
  RaceOptions batches() const { return {.rounds = options_.race.rounds, .calls = 2, .warm_up = 1}; }

  // A network whose file fixes its batch at 1 has no throughput; that is not an error.
  Expected<> race_batches() {
    if (!has_batches()) return {};
    std::vector<Entrant*> entrants;
    std::vector<std::unique_ptr<Contender>> made;
    std::vector<Contender*> contenders;
    std::vector<std::uint8_t> classes(options_.batch);
    for (Entrant* entrant : running()) {
      auto many = entrant->make(options_.batch, 1);
      if (!many || !(*many)->classify(data_.test, 0, classes)) continue;
      entrants.push_back(entrant);
      contenders.push_back(many->get());
      made.push_back(std::move(*many));
    }
    auto laps = race(contenders, data_.test, batches());
    if (!laps) return fail(laps.error());
    for (std::size_t i = 0; i < entrants.size(); ++i) entrants[i]->row.per_second = per_second((*laps)[i]);
    return {};
  }

  // Each with nothing else alive: threads spin between calls.
  Expected<> race_threads() {
    if (options_.threads <= 1) return {};
    std::vector<MakeContender> singly, many;
    std::vector<std::size_t> has_batch;  // rows of `more_`
    for (const Entrant* entrant : running()) {
      if (entrant->row.per_second && has_batches()) {
        has_batch.push_back(more_.size());
        many.push_back([this, entrant] { return entrant->make(options_.batch, options_.threads); });
      }
      more_.push_back({.engine = entrant->row.engine, .threads = options_.threads, .accuracy = entrant->row.accuracy});
      singly.push_back([this, entrant] { return entrant->make(1, options_.threads); });
    }
    for (Entrant& entrant : entrants_) entrant.one.reset();
    RaceOptions apart = options_.race, apart_batches = batches();
    apart.warm_up = 20;  // its threads have just been started
    apart_batches.warm_up = 2;
    auto laps = race_apart(singly, data_.test, apart);
    if (!laps) return fail(laps.error());
    for (std::size_t i = 0; i < more_.size(); ++i) more_[i].latency = std::move((*laps)[i]);
    laps = race_apart(many, data_.test, apart_batches);
    if (!laps) return fail(laps.error());
    for (std::size_t i = 0; i < has_batch.size(); ++i) more_[has_batch[i]].per_second = per_second((*laps)[i]);
    return {};
  }

  const Splits& data_;
  const Runtime& runtime_;
  const CompareOptions& options_;
  Folder folder_;
  Bytes float_, int8_;
  std::size_t classes_ = 0;
  std::vector<Entrant> entrants_;
  std::vector<Row> more_;  // on more threads
  Comparison result_;
};

}  // namespace

int Comparison::reference(std::uint32_t threads) const {
  int best = -1;
  double least = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].is_peer() || rows[i].threads != threads || rows[i].latency.us.empty()) continue;
    const double median = quartiles(rows[i].latency.us).median;
    if (best < 0 || median < least) best = static_cast<int>(i), least = median;
  }
  return best;
}

int Comparison::batch_reference(std::uint32_t threads) const {
  int best = -1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].is_peer() || rows[i].threads != threads || !rows[i].per_second) continue;
    if (best < 0 || *rows[i].per_second > *rows[static_cast<std::size_t>(best)].per_second) best = static_cast<int>(i);
  }
  return best;
}

Expected<Comparison> compare(const std::string& file, const Splits& data, const Runtime& runtime,
                             const CompareOptions& options) {
  return Comparing(file, data, runtime, options).run();
}

}  // namespace syn::peers
