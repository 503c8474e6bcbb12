// A coordinator's term in its store. It is durable before anybody hears of it, so that two runs of one coordinator
// never share one.
#pragma once

#include "core/store.hpp"

namespace syn::nodes {

// 0: never written.
inline Expected<std::uint32_t> load_term(Store& store) {
  auto stored = store.load("term");
  if (!stored) return fail(stored.error());
  std::uint32_t term = 0;
  if (*stored && (*stored)->size() == 4) {
    for (std::size_t i = 0; i < 4; ++i) term |= std::uint32_t{(**stored)[i]} << (8 * i);
  }
  return term;
}

inline void store_term(Store& store, std::uint32_t term, Store::Done done) {
  Bytes bytes(4);
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(term >> (8 * i));
  store.replace("term", std::move(bytes), std::move(done));
}

}  // namespace syn::nodes
