// The world, as one argument. A node that has a Host needs nothing else: no system clock, socket, file or thread. All
// callbacks run to completion on one loop.
#pragma once

#include "core/clock.hpp"
#include "core/codec.hpp"
#include "core/compute.hpp"
#include "core/log.hpp"
#include "core/network.hpp"
#include "core/random.hpp"
#include "core/store.hpp"

namespace syn {

struct Host {
  Clock& clock;
  Network& network;
  Compute& compute;
  Store& store;
  Random& random;
  Log& log;
  const Codec& codec;
};

}  // namespace syn
