// A data set through real daemons: started here on loopback (--nodes), or running already (--cluster).
#pragma once

#include "cli/files.hpp"
#include "cli/mesh_options.hpp"
#include "cli/mesh_result.hpp"
#include "cli/terminal.hpp"
#include "cli/verb.hpp"
#include "conversion/data/dataset.hpp"

namespace syn::cli {

struct MeshRun {
  MeshOptions mesh;
  std::vector<float> mean, std;
  double rate = 0;  // submissions a second; 0: as fast as admitted
  Duration deadline = std::chrono::seconds(10);
  std::string pids_file;  // one process id a line, in the order of the nodes
  std::string title = "mesh of processes";
};

// Ends the children it started, whatever happens. Throws Interrupted after Ctrl-C.
Expected<MeshResult> run_mesh(const SpikingFile& file, const data::Dataset& dataset, const MeshRun& run,
                              Terminal& terminal);

}  // namespace syn::cli
