// Writes first inputs for every target: `fuzz_seeds FOLDER` makes FOLDER/<target>/seed-*. They are what our own writers
// make of small random values, so that a fuzzer starts from files that are accepted. The corpora in corpus/ grew from
// these and were minimised.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "conversion/data/events/nmnist.hpp"
#include "conversion/data/npy.hpp"
#include "conversion/hdf5/tree.hpp"
#include "conversion/nir/write.hpp"
#include "conversion/onnx/write.hpp"
#include "core/random.hpp"
#include "nodes/daemon/config.hpp"
#include "sim/profiles.hpp"
#include "snn/learning/stdp.hpp"
#include "snn/model_file.hpp"
#include "snn/real/model_file.hpp"
#include "tests/conversion/ann/nets.hpp"
#include "tests/conversion/ann/onnx_bytes.hpp"
#include "tests/conversion/data/events/recordings.hpp"
#include "tests/conversion/data/files.hpp"
#include "tests/conversion/nir/graphs.hpp"
#include "snn/learning/learner.hpp"
#include "tests/fuzz/state.hpp"
#include "tests/snn/random_models.hpp"
#include "tests/snn/real/random_graphs.hpp"
#include "tests/transport/codec/random_messages.hpp"
#include "transport/codec/spikes.hpp"
#include "transport/codec/wire_codec.hpp"

using namespace syn;
namespace fs = std::filesystem;

namespace {

struct Writer {
  fs::path folder;
  int next = 0;
  void put(const char* target, ByteView bytes) {
    fs::create_directories(folder / target);
    const auto path = folder / target / text::cat("seed-", ++next);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void put(const char* target, std::uint8_t choice, ByteView bytes) {
    Bytes all{choice};
    all.insert(all.end(), bytes.begin(), bytes.end());
    put(target, all);
  }
  void put(const char* target, std::uint8_t choice, std::string_view content) {
    put(target, choice, ByteView(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
  }
};

void messages(Writer& out, Random& random) {
  const WireCodec codec;
  for (std::size_t kind = 0; kind < std::variant_size_v<Message>; ++kind) {
    const Bytes frame = codec.encode(random_message(random, kind));
    Bytes input{16, 0, 7, 0};
    input.insert(input.end(), frame.begin(), frame.end());
    if (input.size() <= 4096) out.put("frame", input);
    constexpr std::size_t kControl[] = {1, 2, 3, 5, 7, 14, 17, 18, 19};  // the numbers of Kind, in control.cpp's order
    for (std::uint8_t i = 0; i < std::size(kControl); ++i) {
      if (kind + 1 == kControl[i]) out.put("control", i, ByteView(frame).subspan(codec::kHeaderBytes));
    }
  }
  for (const std::uint32_t greatest : {1u, 2u, 7u, 255u}) {
    std::vector<Count> counts(100);
    for (auto& count : counts) {
      count = random.chance(0.1) ? static_cast<Count>(1 + random.below(greatest)) : Count{0};
    }
    for (std::uint8_t encoding = 0; encoding <= 4; ++encoding) {
      if ((encoding == 1 && greatest != 1) || (encoding == 4 && greatest < 2)) continue;
      const Bytes frame = codec.encode(
          SpikeFrame{.encoding = Encoding{encoding}, .packed = codec::pack_as(Encoding{encoding}, counts, greatest)});
      Bytes input{99, 0, static_cast<std::uint8_t>(greatest - 1), 0};
      input.insert(input.end(), frame.begin(), frame.end());
      out.put("frame", input);
    }
  }
}

void configurations(Writer& out) {
  daemon::NodeConfig node{.name = "pi-1",
                          .listen = "tcp://*:7000",
                          .key_file = "pi-1.key",
                          .state = "state",
                          .peers = {{"laptop", "0000000000000000000000000000000000000000", "tcp://10.0.0.5:7000"}}};
  out.put("toml", 0, daemon::write_node_config(node));
  out.put("toml", 1,
          "[gateway]\nname = \"laptop\"\nkey = \"laptop.key\"\ndevice = \"this-machine\"\n[[node]]\nname = \"pi-1\"\n"
          "key = \"k\"\naddress = \"tcp://10.0.0.11:7000\"\ndevice = \"pi4\"\n");
  for (const auto& profile : sim::built_in_profiles()) out.put("toml", 2, profile.text);
  out.put("toml", 0, "a = [[1, 2.5e3], {b = 0x1f, c = 1979-05-27T07:32:00Z}]\n'd e'.f = '''\nx'''\n# end");
}

void arrays(Writer& out) {
  const std::vector<std::size_t> shape{2, 3};
  out.put("npy", data::write_npy(shape, std::vector<float>{1, 2, 3, 4, 5, 6}));
  out.put("npy", data::write_npy(shape, std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  out.put("npy", data::write_npy({}, std::vector<float>{1}));
  for (const char* type : {"<f8", "<i8", "|u1"}) {
    const std::string header = text::cat("{'descr': '", type, "', 'fortran_order': False, 'shape': (1, ), }\n");
    Bytes bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, static_cast<std::uint8_t>(header.size()), 0, 0, 0};
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.resize(bytes.size() + (type[2] == '8' ? 8 : 1), 1);
    out.put("npy", bytes);
  }
  const Bytes images = test::idx({3, 2, 2}, test::counting(12)), labels = test::idx({3}, test::counting(3));
  out.put("idx", 0, images);
  out.put("idx", 0, test::gzip(images));
  out.put("idx", 1, test::idx({2, 3, 2, 2}, test::counting(24)));
  Bytes pair{static_cast<std::uint8_t>((images.size() + 4) / 8)};
  const Bytes padded = test::idx({4, 2, 2}, test::counting(16));
  pair = {4};
  pair.insert(pair.end(), padded.begin(), padded.end());
  const Bytes four = test::idx({4}, test::counting(4));
  pair.insert(pair.end(), four.begin(), four.end());
  out.put("idx", 2, pair);
  out.put("idx", 2, labels);
}

void recordings(Writer& out) {
  const auto some = [](std::uint64_t seed, data::Sensor sensor) { return test::random_events(seed, 30, sensor); };
  const auto put = [&](std::uint8_t how, const Bytes& bytes) {
    for (const int mending : {0, 4, 8}) {
      Bytes input{how, static_cast<std::uint8_t>(mending)};
      input.insert(input.end(), bytes.begin(), bytes.end());
      out.put("events", input);
    }
  };
  put(0, test::aedat2_dvs128(some(1, {128, 128, 2})));
  put(0, test::aedat2_davis346(some(2, {346, 260, 2})));
  for (const int compression : {0, 1, 3}) put(0, test::aedat4(some(3, {64, 64, 2}), compression, 12, compression != 1));
  put(0, test::dat(some(4, {304, 240, 2}), 1));
  put(0, test::dat(some(5, {640, 480, 2}), 2, false));
  put(0, test::evt2(some(6, {640, 480, 2})));
  put(0, test::evt3(some(7, {1280, 720, 2})));
  put(0, test::csv(some(8, {34, 34, 2})));
  put(12, test::csv(some(9, {34, 34, 2}), false));
  put(13, *data::write_nmnist(some(10, {34, 34, 2})));
  put(14, test::flat_events(some(11, {64, 64, 2}), 0, 30));
  put(15, test::flat_events(some(12, {64, 64, 2}), 0, 30));
  const Bytes times(12, 0x3c);
  const Bytes units{3, 0, 200, 0, 7, 0};
  const auto sequences = [](ByteView bytes, hdf5::Element element) {
    return hdf5::Item{hdf5::Sequences{.shape = {1},
                                      .element = element,
                                      .size = static_cast<std::uint8_t>(bytes.size() / 3),
                                      .is_signed = false,
                                      .values = {bytes}}};
  };
  put(0, hdf5::write({{"spikes",
                       {hdf5::Group{{"times", sequences(times, hdf5::Element::float32)},
                                    {"units", sequences(units, hdf5::Element::int64)}}}},
                      {"labels", {hdf5::Numbers{{1}, hdf5::Element::int64, {7}}}}}));
  const hdf5::Group spikes{{"idx", {hdf5::Numbers{{1, 3}, hdf5::Element::int64, {3, 1, -1}}}},
                           {"time", {hdf5::Numbers{{1, 3}, hdf5::Element::float64, {0.001, 0.002, 0}}}}};
  const hdf5::Group node{{"observables", {hdf5::Group{{"spikes", {spikes}}}}}};
  put(0, hdf5::write({{"nodes", {hdf5::Group{{"lif", {node}}}}}}));
  put(0, test::bytes_of("x;y;p;time\n3;4;1;0.001\n5;6;-1;0.0025\n"));
  put(0, test::bytes_of("time,channel\n1000,3\n2500,699\n"));
}

void networks(Writer& out, Random& random) {
  using namespace nets;
  const auto write = [&](const ann::Graph& graph) {
    if (const auto bytes = onnx_file::write(graph)) out.put("onnx", *bytes);
  };
  write(chain({2, 4, 4}, {conv(random, 3, 2, {.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}}),
                          norm(random, 3), ann::Relu{}, ann::AveragePool{{.kernel = {2, 2}, .stride = {2, 2}}},
                          ann::Flatten{}, gemm(random, 3, 12), ann::Softmax{}}));
  write(chain({2, 5, 5}, {conv(random, 2, 2, {.kernel = {3, 3}}, 2), ann::Relu{},
                          ann::MaxPool{{.kernel = {2, 2}, .stride = {1, 1}}}, ann::Flatten{}, gemm(random, 2, 8)}));
  write(chain({6}, {gemm(random, 4, 6), ann::Relu{}, gemm(random, 2, 4)}));
  for (const auto code : {snn::Code::step, snn::Code::volley}) {
    for (int i = 0; i < 12; ++i) {
      const Bytes bytes = snn::write_model(snn::testing::random_model(random, {.code = code, .steps = 4}));
      if (bytes.size() <= 6000) out.put("syn", bytes);
    }
  }
  for (int i = 0; i < 40; ++i) {
    const Bytes bytes = snn::write_model(
        snn::testing::random_model(random, {.code = snn::Code::step, .steps = 6, .leaky = true, .late = true}));
    if (bytes.size() <= 6000) out.put("syn", bytes);
  }
  snn::real::testing::Graphs graphs(random);
  for (int kept = 0; kept < 40;) {
    const auto bytes = snn::real::write_model(graphs.make());
    if (bytes->size() > 6000) continue;
    out.put("syn", *bytes);
    ++kept;
  }
}

void spiking_graphs(Writer& out, Random& random) {
  for (int i = 0; i < 60; ++i) {
    const auto bytes = nir::write(testing::random_graph(random));
    if (bytes && bytes->size() <= 16384) out.put("nir", *bytes);
  }
}

void states(Writer& out, Random& random) {
  for (const bool modulated : {false, true}) {
    const snn::learning::Stdp rule{.least = -100, .greatest = 100, .modulated = modulated, .seed = 1};
    for (std::uint32_t side = 0; side < 4; ++side) {
      auto synapses = snn::learning::make_plastic(rule, side, 2, std::vector<std::int8_t>(side * 2, 5));
      const std::vector<std::uint32_t> pre(side > 0 ? 1 : 0), post{1};
      for (int step = 0; step < 3; ++step) snn::learning::learn(rule, *synapses, pre, post);
      out.put("state", modulated ? 1 : 0, snn::learning::to_bytes(*synapses));
    }
  }
  for (const bool modulated : {false, true}) {
    snn::learning::LearnerSpec spec{.sources = 3, .neurons = 2, .classes = 2, .threshold = 100};
    spec.rule.modulated = modulated;
    auto learner = snn::learning::make_learner(spec);
    snn::learning::Presentation buffers;
    for (std::uint32_t n = 0; n < 3; ++n) {
      const Bytes bytes = snn::learning::to_bytes(*learner);
      out.put("state", 3, ByteView(bytes).first(bytes.size() - snn::learning::kStateHashBytes));
      snn::learning::teach(*learner, std::vector<Count>{255, 100, 0}, n % 2, buffers);
    }
    out.put("state", 4, snn::learning::to_bytes(spec));
  }
  auto engine = fuzz::small_float_engine();
  auto state = engine.start();
  for (int call = 0; call < 4; ++call) {
    out.put("state", 2, snn::real::Engine::to_bytes(state));
    std::vector<float> in(6);
    for (float& value : in) value = static_cast<float>(random.below(3));
    snn::real::Window window{.steps = 3, .in = {in}};
    if (!engine.run(state, window)) break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  Writer out{argv[1]};
  SeededRandom random(1);
  messages(out, random);
  configurations(out);
  arrays(out);
  recordings(out);
  networks(out, random);
  spiking_graphs(out, random);
  states(out, random);
  return 0;
}
