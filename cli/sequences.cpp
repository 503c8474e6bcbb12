#include "cli/sequences.hpp"

#include <algorithm>

#include "cli/options.hpp"
#include "core/text.hpp"

namespace syn::cli {
namespace {

Expected<std::pair<std::size_t, std::size_t>> samples_and_steps(const data::Array& x, const snn::real::Shape& shape,
                                                                const std::string& where) {
  std::vector<std::size_t> wanted, given;
  for (const std::size_t side : shape) {
    if (side != 1) wanted.push_back(side);
  }
  for (std::size_t i = 2; i < x.shape.size(); ++i) {
    if (x.shape[i] != 1) given.push_back(x.shape[i]);
  }
  if (x.shape.size() < 2 || given != wanted)
    return fail("the array does not hold samples of the network's input", where,
                text::cat("give an array of samples x steps", show(shape)));
  if (x.shape[1] > 0xffffffff) return fail("there are too many steps", where, "split the array");
  return std::pair{x.shape[0], x.shape[1]};
}

}  // namespace

std::vector<std::string> files_of(const std::vector<std::string>& given, const std::vector<snn::real::Port>& ports,
                                  const char* option) {
  const auto wrong = [&](std::string what) {
    std::string names;
    for (const auto& port : ports) names += text::cat(" ", option, " ", port.name, "=FILE.npy");
    throw UsageError({std::move(what), "the command line", text::cat("give", names)});
  };
  if (ports.size() == 1 && given.size() == 1 && !given[0].starts_with(ports[0].name + "=")) return given;
  std::vector<std::string> out(ports.size());
  for (const std::string& word : given) {
    const auto port =
        std::find_if(ports.begin(), ports.end(), [&](const auto& p) { return word.starts_with(p.name + "="); });
    if (port == ports.end()) wrong(text::cat("'", word, "' names none of the network's ends"));
    out[static_cast<std::size_t>(port - ports.begin())] = word.substr(port->name.size() + 1);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (out[i].empty()) wrong(text::cat("nothing is said of '", ports[i].name, "'"));
  }
  return out;
}

std::string show(const snn::real::Shape& shape) {
  std::string out;
  for (const auto side : shape) out += text::cat(" x ", side);
  return out;
}

Expected<Sequences> read_sequences(const std::vector<std::string>& files, const std::vector<snn::real::Shape>& shapes) {
  Sequences out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto bytes = read_file(files[i], "array");
    if (!bytes) return fail(bytes.error());
    auto x = data::read_npy(*bytes, files[i]);
    if (!x) return fail(x.error());
    const auto size = samples_and_steps(*x, shapes[i], files[i]);
    if (!size) return fail(size.error());
    if (i > 0 && *size != std::pair{out.samples, out.steps})
      return fail("the inputs differ in samples or steps", files[i], "give arrays of equal first two axes");
    std::tie(out.samples, out.steps) = *size;
    out.arrays.push_back(std::move(*x));
  }
  return out;
}

}  // namespace syn::cli
