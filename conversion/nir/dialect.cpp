#include "conversion/nir/dialect.hpp"

#include <algorithm>
#include <array>

#include "conversion/nir/dialects/nengo.hpp"
#include "conversion/nir/dialects/nir_euler.hpp"
#include "conversion/nir/dialects/norse.hpp"
#include "conversion/nir/dialects/rockpool.hpp"
#include "conversion/nir/dialects/sinabs.hpp"
#include "conversion/nir/dialects/snntorch.hpp"
#include "conversion/nir/dialects/spikingjelly.hpp"
#include "conversion/nir/dialects/spyx.hpp"

namespace syn::nir {
namespace {

constexpr std::array<const Rules*, 8> kAll{&kNirEuler, &kNorse,        &kSnntorch, &kSinabs,
                                           &kRockpool, &kSpikingjelly, &kNengo,    &kSpyx};  // in order of Dialect
constexpr auto kNames = [] {
  std::array<std::string_view, kAll.size()> out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = kAll[i]->name;
  return out;
}();

}  // namespace

const Rules& rules_of(Dialect dialect) {
  return *kAll.at(static_cast<std::size_t>(dialect));
}
std::optional<Dialect> dialect_named(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return {};
  return static_cast<Dialect>(found - kNames.begin());
}
std::span<const std::string_view> dialect_names() {
  return kNames;
}

}  // namespace syn::nir
