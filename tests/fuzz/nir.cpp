// NIR files: HDF5, the graph in it, its shapes and the lint. What check() takes is written, and read again as the same.
#include "conversion/nir/check.hpp"
#include "conversion/nir/lint.hpp"
#include "conversion/nir/read.hpp"
#include "conversion/nir/write.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

bool small(const nir::Shapes& shapes) {  // spread over a population, one number becomes many
  std::int64_t all = 0;
  for (const auto& place : shapes.places) all += nir::elements(place.in);
  return all < (1 << 16);
}

}  // namespace

void nir(ByteView input) {
  const auto graph = nir::read(input, "fuzz");
  if (!accepted(graph)) return;
  const auto shapes = nir::check(*graph, "fuzz");
  if (!accepted(shapes)) return;
  for (const auto& remark : nir::lint(*graph, *shapes)) SYN_ASSERT(!remark.what.empty(), remark.node);
  for (const auto& link : shapes->links) {
    const auto &from = shapes->places[link.from], &to = shapes->places[link.to];
    SYN_ASSERT(from.out == to.in, from.name, to.name);
    SYN_ASSERT(link.back || nir::delays(*from.node) || link.from < link.to, from.name, to.name);
  }
  if (!small(*shapes)) return;
  const auto written = nir::write(*graph);
  SYN_ASSERT(written.has_value(), written.error().what, written.error().where);
  const auto again = nir::read(*written, "again");
  SYN_ASSERT(again.has_value(), again.error().what, again.error().where);
  const auto twice = nir::write(*again);
  SYN_ASSERT(twice.has_value() && *twice == *written);  // compared as bytes: metadata may hold a NaN
}

}  // namespace syn::fuzz
