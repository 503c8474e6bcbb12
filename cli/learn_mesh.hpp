// A learner on a real daemon: started here, with a folder in which it remembers, or running already.
#pragma once

#include "cli/course.hpp"
#include "cli/terminal.hpp"
#include "nodes/teacher.hpp"

namespace syn::cli {

struct LearnMesh {
  std::string cluster, node;  // a file, and one of its nodes by name; "": the first
  std::string state;          // else: folder of the daemon that is started here; "": one that goes with the run
  std::string pids_file;      // the daemon's process id
};

struct LearnedOn {
  nodes::Teacher::Finished finished;
  std::string where;
  double seconds = 0;          // from the first lesson to the last answer
  std::uint32_t restarts = 0;  // of the daemon, because it had died
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_sent = 0;
};

// `options` lack only the node and this end's name. A daemon that was started here and dies is started again; one of a
// cluster is waited for. `shows` draws the progress. Throws Interrupted after Ctrl-C.
Expected<LearnedOn> learn_on_daemon(const LearnMesh& mesh, nodes::TeacherOptions options, Course& course,
                                    const std::function<void(const Learned&)>& shows, Terminal& terminal);

}  // namespace syn::cli
