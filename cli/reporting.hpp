// --report FILE: gathers what a run knows about itself into a report::Page and writes it. Nothing here runs unless a
// report was asked for.
// Deliberately not here: what the page looks like (report/).
#pragma once

#include <string>
#include <vector>

#include "cli/files.hpp"
#include "cli/mesh_result.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "conversion/convert.hpp"
#include "report/page.hpp"

namespace syn::cli {

struct ReportOption {
  std::string path;  // empty: not asked for

  void declare(CLI::App& app, const std::string& what);
  bool asked() const { return !path.empty(); }
  // Fails if the file could not be written: said before the work starts rather than after it.
  Expected<> check() const;
};

// A page about `model` on `dataset`, with everything that is known without running anything.
report::Page page_of(const SpikingFile& file, const data::Dataset& dataset, std::string model_name);

// Ways: the first one is what the page is about; latencies are taken from it.
void add_way(report::Page& page, std::string where, std::string clock, const report::Evaluation& evaluation,
             std::optional<double> wire_bytes = {});

// The plan of a mesh run or simulation beside what was measured.
void add_placement(report::Page& page, const MeshResult& result, const snn::Model& model, const std::string& gateway);

// Looks at the first images of `dataset`, at most 1,000, in this process: rates, densities, the bounds of the edges
// (after add_placement), energy, and the raster of the first image.
Expected<> add_activity(report::Page& page, const snn::Model& model, const data::Dataset& dataset,
                        const DataOptions& options, std::uint32_t threads, Terminal& terminal);

void add_conversion(report::Page& page, const Converted& converted);

// Converts the network for several T in every code and judges each on the first images, at most 2,000.
Expected<> add_sweep(report::Page& page, const ann::Graph& graph, const data::Dataset& test, const data::Dataset& train,
                     const ConvertOptions& options, Terminal& terminal);

Expected<> write_report(const ReportOption& option, report::Page& page, Terminal& terminal);

}  // namespace syn::cli
