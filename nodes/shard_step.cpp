// What happens to one window inside a Compute job: unpacked, stepped, packed, encoded. Touches nothing but the step it
// was given and constants.
#include <algorithm>

#include "nodes/shard.hpp"

namespace syn::nodes {

Expected<> Shard::unpack(const Fixed& fixed, Step& step, Work& work) {
  const auto& spec = fixed.spec;
  step.window.in.resize(spec.in.size());
  for (std::size_t e = 0; e < spec.in.size(); ++e) {
    Held& frame = step.frames[e];
    auto& counts = step.window.in[fixed.wiring.sources[e]];
    if (!frame.here) {  // a constant edge behind its first window: the state holds what its row sums to
      counts.clear();
      continue;
    }
    const auto rows = spec.in[e].constant ? 1 : step.window.rows;
    counts.resize(std::size_t{rows} * spec.in[e].neurons);
    if (auto ok = fixed.codec.unpack(frame.encoding, frame.packed, spec.in[e].greatest, counts); !ok) return ok;
    work.bytes_touched += frame.packed.size();
  }
  return {};
}

Work Shard::run(const Fixed& fixed, InferenceId id, std::uint32_t window, Step& step) {
  const auto& spec = fixed.spec;
  Work work;
  step.window.rows = std::min(spec.window_steps, spec.steps - window * spec.window_steps);
  step.error = unpack(fixed, step, work);
  if (!step.error) return work;
  work += fixed.engine->run(step.state, step.window);
  // Every shard's sum travels along one path, so that the gateway has the sum over the whole model in the end.
  std::uint64_t checksum = step.window.checksum;
  for (std::size_t e = 0; e < spec.in.size(); ++e) {
    if (step.frames[e].here) checksum += step.frames[e].checksum;
  }
  step.checksum += checksum;
  pack(fixed, id, window, checksum, step, work);
  return work;
}

void Shard::pack(const Fixed& fixed, InferenceId id, std::uint32_t window, std::uint64_t checksum, Step& step,
                 Work& work) {
  const auto& spec = fixed.spec;
  std::vector<Codec::Packed> packed(spec.out.size());
  for (std::size_t o = 0; o < spec.out.size(); ++o) {
    const auto& edge = spec.out[o];
    const FrameId frame{fixed.deployment, fixed.epoch, id, edge.id, window};
    step.encoded[o].clear();
    if (edge.potentials) {
      if (window + 1 < spec.windows()) continue;
      step.encoded[o] =
          fixed.codec.encode(PotentialFrame{frame, edge.carries_checksum ? step.checksum : 0, step.window.potentials});
      continue;
    }
    // One population often goes to several shards: packed once for all who understand the same.
    std::size_t same = 0;
    while (same < o &&
           (fixed.wiring.outputs[same] != fixed.wiring.outputs[o] || step.encodings[same] != step.encodings[o]))
      ++same;
    if (same < o) {
      packed[o] = packed[same];
    } else {
      packed[o] = fixed.codec.pack(step.window.out[static_cast<std::size_t>(fixed.wiring.outputs[o])], edge.greatest,
                                   step.encodings[o]);
      work.bytes_touched += packed[o].bytes.size();
    }
    step.encoded[o] = fixed.codec.encode(SpikeFrame{.id = frame,
                                                    .encoding = packed[o].encoding,
                                                    .checksum = edge.carries_checksum ? checksum : 0,
                                                    .has_checksum = edge.carries_checksum,
                                                    .packed = packed[o].bytes});
  }
}

}  // namespace syn::nodes
