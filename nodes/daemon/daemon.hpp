// What `synfired` does: one worker in the production world, until it is told to stop.
#pragma once

#include "core/error.hpp"
#include "nodes/daemon/config.hpp"

namespace syn::daemon {

// Runs until SIGTERM or SIGINT has been obeyed; returns the exit code. An error here means that it could not start.
// `ready_fd` >= 0: one line with the address it listens on is written there once it can be dialled, then it is closed.
Expected<int> run_daemon(const NodeConfig& config, int ready_fd);

// Whether the key and the peers' keys can be read; starts nothing.
Expected<int> check_daemon(const NodeConfig& config);

}  // namespace syn::daemon
