// The plain twins of the kernels: what every fast one must equal, bit for bit, and what runs where no vector unit does.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::reference {

inline Some narrow(const Count* counts, std::size_t n, std::uint8_t* bytes) {
  Some some;
  for (std::size_t i = 0; i < n; i += 4) {
    unsigned word = 0;
    for (std::size_t j = i; j < std::min(i + 4, n); ++j) {
      word |= bytes[j] = static_cast<std::uint8_t>(counts[j]);
      some.counts += bytes[j] != 0;
    }
    some.words += word != 0;
  }
  return some;
}

// Part is std::uint8_t (narrow) or std::uint16_t (wide).
template <class Part>
Some count_some(const std::uint32_t* words, std::size_t n) {
  Some some;
  for (std::size_t i = 0; i < n; ++i) {
    some.words += words[i] != 0;
    for (unsigned shift = 0; shift < 32; shift += 8 * sizeof(Part))
      some.counts += static_cast<Part>(words[i] >> shift) != 0;
  }
  return some;
}

inline void list_events(std::span<const SourceRow> rows, std::size_t pixels, std::size_t words, std::uint32_t stride,
                        std::uint32_t* values, std::uint32_t* offsets, std::uint32_t* starts) {
  std::size_t n = 0;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    starts[pixel] = static_cast<std::uint32_t>(n);
    for (const SourceRow& row : rows) {
      for (std::size_t i = pixel * words; i < (pixel + 1) * words; ++i) {
        values[n] = row.words[i];  // written in any case and kept only if not zero: a branch would be mispredicted
        offsets[n] = row.weights + stride * static_cast<std::uint32_t>(i);
        n += row.words[i] != 0;
      }
    }
  }
  starts[pixels] = static_cast<std::uint32_t>(n);
}

// What one word adds to one output: Part is std::uint8_t (narrow) or std::uint16_t (wide).
template <class Part>
std::int32_t product(std::uint32_t counts, std::uint32_t weights) {
  constexpr unsigned kBits = 8 * sizeof(Part);
  std::int32_t sum = 0;
  for (unsigned shift = 0; shift < 32; shift += kBits)
    sum += static_cast<Part>(counts >> shift) *
           static_cast<std::int32_t>(static_cast<std::make_signed_t<Part>>(weights >> shift));
  return sum;
}
template <class Part>
void add_word(const Band& band, std::uint32_t counts, const std::uint32_t* weights, std::int32_t* sums) {
  for (std::size_t o = 0; o < band.outputs; ++o) sums[o] += product<Part>(counts, weights[o]);
}
// What the positions' own sums begin with. (Vectors write beyond them, which a Band with `from` leaves no room for.)
inline void start_band(const Band& band, std::int32_t* sums) {
  if (band.from && band.from != sums) std::copy_n(band.from, (band.positions - 1) * band.pitch + band.outputs, sums);
}
inline Count short_count(const ShortVolley& volley, std::int32_t sum, std::size_t channel) {
  const auto x = static_cast<std::uint32_t>(std::clamp(sum, 0, 65535));
  const std::uint32_t product = (x * volley.multiplier[channel]) >> 16;
  return static_cast<Count>(std::min<std::uint32_t>((product * volley.power[channel]) >> 16, volley.ceiling));
}
inline void fire_small_volley(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, Count* out);
inline void fire_outputs(const Firing& firing, const std::int32_t* sums, std::size_t n, Count* out) {
  if (!firing.is_short) return fire_small_volley(firing.volley, sums, n, out);
  for (std::size_t o = 0; o < n; ++o) out[o] = short_count(firing.in_short, sums[o], o);
}
inline void fire_band(const Band& band, const std::int32_t* sums) {
  if (!band.firing) return;
  for (std::size_t at = 0; at < band.positions * band.pitch; at += band.pitch)
    fire_outputs(*band.firing, sums + at, band.outputs, band.firing->out + at);
}
template <class Part>
void add_events(const Band& band, std::int32_t* sums) {
  start_band(band, sums);
  for (std::size_t x = 0; x < band.positions; ++x) {
    for (const Stretch& stretch : std::span(band.stretches, band.stretch_count)) {
      const std::uint32_t* starts = stretch.starts + x * band.stride;
      const std::int64_t base = stretch.event_weights - static_cast<std::int64_t>(x * band.stride * band.pixel_weights);
      for (std::uint32_t e = starts[0]; e < starts[band.pixels]; ++e)
        add_word<Part>(band, band.values[e], band.packed + (base + band.offsets[e]), sums + x * band.pitch);
    }
  }
  fire_band(band, sums);
}
template <class Part>
void add_dense(const Band& band, std::int32_t* sums) {
  if (band.rows > 1) {
    Firing firing = *band.firing;
    Band row = band;
    row.firing = &firing;
    for (row.rows = 1; row.skipped < band.rows * band.row_bytes; row.skipped += band.row_bytes) {
      add_dense<Part>(row, sums);
      row.from += band.from_row;
      firing.out += band.positions * band.pitch;
    }
    return;
  }
  start_band(band, sums);
  for (std::size_t x = 0; x < band.positions; ++x) {
    for (const Stretch& stretch : std::span(band.stretches, band.stretch_count)) {
      for (std::size_t i = 0; i < band.words; ++i) {
        std::uint32_t counts = 0;
        std::memcpy(&counts, stretch.counts + band.skipped + x * band.stride_bytes + 4 * i, 4);
        const std::uint32_t* weights = band.packed + (stretch.weights + static_cast<std::int64_t>(i * band.row));
        add_word<Part>(band, counts, weights, sums + x * band.pitch);
      }
    }
  }
  fire_band(band, sums);
}

template <class Part>
void list_singles(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list) {
  std::size_t n = 0;
  std::uint32_t total = 0;
  for (std::size_t pixel = 0; pixel < pixels.count; ++pixel) {
    list.starts[pixel] = static_cast<std::uint32_t>(n);
    if (list.values) list.totals[pixel] = total;
    for (const CountRow& row : rows) {
      const Part* counts = reinterpret_cast<const Part*>(row.counts) + pixel * pixels.channels;
      for (std::size_t c = 0; c < pixels.channels; ++c) {
        list.events[n] = static_cast<std::uint16_t>(row.first + c);
        if (list.values) list.values[n] = static_cast<std::uint8_t>(counts[c]);
        n += counts[c] != 0;
        total += counts[c];
      }
    }
  }
  list.starts[pixels.count] = static_cast<std::uint32_t>(n);
  if (list.values) list.totals[pixels.count] = total;
}

// What output `o` has as its weight in a row of them.
inline std::int32_t single_weight(const std::int8_t* row, std::size_t o, bool valued) {
  if (valued) return row[o];
  const std::int8_t weight = row[single_at(o)];
  return o % kTile < kTile / 2 ? static_cast<std::uint8_t>(weight) - kSingleBias : weight;
}

inline void add_singles(const Singles& singles, std::int32_t* sums) {
  if (singles.from != sums) std::copy_n(singles.from, (singles.positions - 1) * singles.pitch + singles.outputs, sums);
  for (std::size_t x = 0; x < singles.positions; ++x, sums += singles.pitch) {
    for (std::size_t column = 0; column < singles.columns; ++column) {
      const std::uint32_t* starts = singles.starts + x * singles.stride + column * singles.dilation;
      for (std::uint32_t e = starts[0]; e < starts[1]; ++e) {
        const std::int8_t* weights = singles.weights + column * singles.column + singles.events[e] * singles.row;
        for (std::size_t o = 0; o < singles.outputs; ++o)
          sums[o] += single_weight(weights, o, singles.values) * (singles.values ? singles.values[e] : 1);
      }
    }
    if (singles.firing) fire_outputs(*singles.firing, sums, singles.outputs, singles.firing->out + x * singles.pitch);
  }
}

// Sums lie in order.
inline void scatter_singles(const Scatter& scatter) {
  for (std::size_t e = 0; e < scatter.count; ++e) {
    const std::size_t pixel = scatter.events[e] / scatter.channels, channel = scatter.events[e] % scatter.channels;
    for (const ScatterTarget& target : scatter.targets) {
      for (std::size_t column = 0; column < scatter.columns; ++column) {
        const std::int8_t* weights = target.weights + column * scatter.column + channel * scatter.row;
        std::int16_t* sums = target.sums + (pixel - column) * scatter.row;
        for (std::size_t o = 0; o < scatter.row; ++o)
          sums[o] = static_cast<std::int16_t>(sums[o] + single_weight(weights, o, scatter.values) *
                                                            (scatter.values ? scatter.values[e] : 1));
      }
    }
  }
}
inline void fire_scattered(const Scattered& row) {
  const Firing& firing = *row.firing;
  for (std::size_t x = 0; x < row.positions; ++x) {
    for (std::size_t o = 0; o < row.outputs; ++o) {
      std::int16_t& sum = row.sums[x * row.row + o];
      firing.out[x * row.pitch + o] = short_count(firing.in_short, row.from[x * row.pitch + o] + sum, o);
      sum = 0;
    }
  }
}

inline void add_products(std::span<const Tap> taps, std::size_t n, const std::int32_t* from, std::int32_t* sums) {
  if (from != sums) std::copy_n(from, n, sums);
  for (const Tap& tap : taps)
    for (std::size_t i = 0; i < n; ++i) sums[i] += tap.counts[i] * tap.weights[i];
}

// Of every run, from its count `i` on, so that kernels in vectors can leave it their rest.
inline void add_channels_from(std::size_t i, const ChannelRow& row, const std::int32_t* from, std::int32_t* sums,
                              const Firing* firing) {
  for (std::size_t run = 0; run < row.runs; ++run) {
    for (std::size_t c = i; c < row.n; ++c) {
      const std::int8_t* weights = row.weights + 2 * (c % row.period);
      const std::size_t at = run * row.pitch + c;
      std::int32_t sum = firing ? firing->in_short.start[c % row.period] : from[at];
      for (std::size_t tap = 0; tap < 2 * row.pairs; ++tap)
        sum += row.taps[tap][run * row.step + c] * weights[tap / 2 * 2 * (row.period + kPairSlack) + tap % 2];
      if (firing) {
        firing->out[at] = short_count(firing->in_short, sum, c % row.period);
      } else {
        sums[at] = sum;
      }
    }
  }
}
inline void add_channels(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  add_channels_from(0, row, from, sums, firing);
}

inline void fire_volley(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t theta = volley.threshold[i];
    out[i] = sums[i] < 0 ? Count{0} : static_cast<Count>(std::min(sums[i], volley.limit[i]) / theta);
  }
}

inline void fire_small_volley(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<Count>(
        std::clamp(static_cast<float>(sums[i]) * volley.reciprocal[i] + volley.half[i], 0.0f, volley.ceiling));
}

inline bool fire_step(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out) {
  bool rest = true;
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t potential = v[i] + sums[i];
    const bool fired = potential >= step.threshold[i];
    if (fired) potential -= step.threshold[i];
    v[i] = std::clamp(potential, step.v_min, step.v_max);
    out[i] = fired;
    rest &= v[i] < step.threshold[i];
  }
  return rest;
}

// |x| = h 2^15 + l: then |x| keep >> 15 is h keep + (l keep >> 15), and neither product leaves 32 bits.
inline std::int32_t leaked(std::int32_t x, std::int32_t keep) {
  const std::int32_t amount = x < 0 ? -x : x;
  const std::int32_t kept = (amount >> 15) * keep + (((amount & 0x7fff) * keep) >> 15);
  return x < 0 ? -kept : kept;
}

// From `i` on, so that kernels in vectors can leave it their rest.
inline LeakyStepped step_leaky_from(std::size_t i, const LeakyStep& step, const std::int32_t* sums, std::size_t n,
                                    const LeakyState& state, Count* out) {
  bool rest = true, fired = false;
  for (; i < n; ++i) {
    std::int32_t x = (sums[i] << step.fraction) + step.bias[i];
    if (state.current) {
      const std::int32_t before = state.current[i];
      const std::int32_t after =
          std::clamp(leaked(before, step.current_keep[i]) + x, -step.current_limit, step.current_limit);
      state.current[i] = after;
      rest &= after == 0;
      x = step.reads_previous ? before : after;
    }
    std::int32_t v = state.potential[i];
    const bool held = state.held && state.held[i] > 0;
    if (!held) v = (step.keep ? leaked(v, step.keep[i]) : v) + x;
    if (!step.threshold) {
      state.potential[i] = std::clamp(v, -step.potential_limit, step.potential_limit);
      continue;
    }
    const std::int32_t b = state.adaptation ? state.adaptation[i] : 0;
    const std::int32_t threshold = step.threshold[i] + b;
    std::int32_t spikes = 0;
    for (; !held && spikes < step.most && v >= threshold; ++spikes)
      v = step.subtracts ? v - (step.reset[i] + b) : step.reset[i];
    out[i] = static_cast<Count>(spikes);
    fired |= spikes > 0;
    if (state.held) state.held[i] = spikes > 0 ? step.refractory : held ? state.held[i] - 1 : 0;
    std::int32_t lowest = step.threshold[i];
    if (state.adaptation) {
      const std::int32_t next = std::clamp(leaked(b, step.adaptation_keep[i]) + spikes * step.jump[i],
                                           -step.adaptation_limit, step.adaptation_limit);
      state.adaptation[i] = next;
      lowest += std::min(next, 0);
    }
    v = std::clamp(v, -step.potential_limit, step.potential_limit);
    state.potential[i] = v;
    rest &= std::max(v, 0) < lowest;
  }
  return {rest, fired};
}

inline LeakyStepped step_leaky(const LeakyStep& step, const std::int32_t* sums, std::size_t n, const LeakyState& state,
                               Count* out) {
  return step_leaky_from(0, step, sums, n, state, out);
}

inline std::uint64_t leak_often_from(std::size_t i, const std::int32_t* keep, std::uint32_t times,
                                     const std::int32_t* held, std::size_t n, std::int32_t* x) {
  std::uint64_t leaks = 0;
  for (; i < n; ++i) {
    // Below 32768 every leak brings x nearer to 0; at 32768 none does anything.
    for (std::uint32_t t = held ? static_cast<std::uint32_t>(held[i]) : 0; t < times && x[i] != 0; ++t, ++leaks)
      x[i] = leaked(x[i], keep[i]);
  }
  return leaks;
}

inline std::uint64_t leak_often(const std::int32_t* keep, std::uint32_t times, const std::int32_t* held, std::size_t n,
                                std::int32_t* x) {
  return leak_often_from(0, keep, times, held, n, x);
}

inline Tally tally(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n) {
  Tally tally;
  for (std::size_t i = 0; i < n; ++i) {
    tally.checksum += counts[i] * (std::uint64_t{key_high[i]} << 32 | key_low[i]);
    tally.spikes += counts[i];
    tally.events += counts[i] != 0;
  }
  return tally;
}

inline Tally tally_small(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes,
                         std::size_t n) {
  Tally tally;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = keys.first + i;
    const auto digit = static_cast<std::uint64_t>(keys.digit[at % kTallied]);
    tally.checksum += counts[i] * digit * keys.lane[at / 2 % kTallyLanes] * keys.block[at / kTallied];
    tally.spikes += spikes == Spikes::counts ? counts[i] : static_cast<std::uint64_t>(std::popcount(counts[i]));
    tally.events += counts[i] != 0;
    tally.reached += counts[i] != 0 && fan_out ? fan_out[i] : 0;
  }
  return tally;
}

// Whole turns by `of_turns`, the rest plainly.
template <class OfTurns>
Tally tally_by_turns(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes,
                     std::size_t n, const OfTurns& of_turns) {
  const std::size_t to_turn = (kTallyTurn - keys.first % kTallyTurn) % kTallyTurn, lead = to_turn < n ? to_turn : n;
  const std::size_t turns = (n - lead) / kTallyTurn * kTallyTurn, end = lead + turns;
  const auto from = [&](std::size_t i) { return fan_out ? fan_out + i : nullptr; };
  Tally tally;
  of_turns(counts + lead, keys.from(lead), from(lead), turns, tally);
  if (lead != 0) tally += tally_small(counts, keys, fan_out, spikes, lead);
  if (end != n) tally += tally_small(counts + end, keys.from(end), from(end), spikes, n - end);
  return tally;
}

inline std::uint64_t set_bits(const Count* counts, std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<std::uint64_t>(std::popcount(counts[i]));
  return sum;
}

inline std::uint64_t sum_where(const Count* counts, const std::uint32_t* fan_out, std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += counts[i] != 0 ? fan_out[i] : 0;
  return sum;
}

inline Reach sum_where_small(const Count* counts, const std::uint16_t* fan_out, std::size_t n) {
  Reach reach;
  for (std::size_t i = 0; i < n; ++i) {
    reach.reached += counts[i] != 0 ? fan_out[i] : 0;
    reach.greatest = std::max(reach.greatest, counts[i]);
  }
  return reach;
}

template <class Fn>
void pool_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to, Fn&& pool) {
  for (std::size_t p = 0; p < positions; ++p) {
    for (std::size_t c = 0; c < window.channels; ++c) {
      Count pooled = 0;
      for (std::size_t y = 0; y < window.height; ++y)
        for (std::size_t x = 0; x < window.width; ++x)
          pooled = pool(pooled, from[p * window.stride + y * window.pitch + x * window.channels + c]);
      to[p * window.channels + c] = pooled;
    }
  }
}
inline void sum_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  pool_windows(window, from, positions, to, [](Count a, Count b) { return static_cast<Count>(a + b); });
}
inline void greatest_of_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  pool_windows(window, from, positions, to, [](Count a, Count b) { return std::max(a, b); });
}

inline Count greatest(const Count* counts, std::size_t n) {
  Count greatest = 0;
  for (std::size_t i = 0; i < n; ++i) greatest = std::max(greatest, counts[i]);
  return greatest;
}

// Without narrow sums: what runs on it is the plainest, and differs most from what it is compared with.
inline constexpr Table kTable{.name = "reference",
                              .lanes = 1,
                              .narrow = narrow,
                              .count_narrow = count_some<std::uint8_t>,
                              .count_wide = count_some<std::uint16_t>,
                              .list_events = list_events,
                              .wide_events = add_events<std::uint16_t>,
                              .wide_dense = add_dense<std::uint16_t>,
                              .narrow_greatest = 0,
                              .narrow_events = nullptr,
                              .narrow_dense = nullptr,
                              .narrow_is_bounded = false,
                              .narrow_has_tails = false,
                              .dense_percent = 60,
                              .wide_dense_percent = 60,
                              .list_narrow_singles = list_singles<std::uint8_t>,
                              .list_wide_singles = list_singles<std::uint16_t>,
                              .add_singles = add_singles,
                              .scatter_singles = scatter_singles,
                              .fire_scattered = fire_scattered,
                              .singles_cost = {40, 40, 100, 10, 10, 50, 50, 60, 60, 50},
                              .add_products = add_products,
                              .add_channels = add_channels,
                              .fire_volley = fire_volley,
                              .fire_small_volley = fire_small_volley,
                              .fire_step = fire_step,
                              .step_leaky = step_leaky,
                              .leak_often = leak_often,
                              .tally = tally,
                              .tally_small = tally_small,
                              .set_bits = set_bits,
                              .sum_where = sum_where,
                              .sum_where_small = sum_where_small,
                              .sum_windows = sum_windows,
                              .greatest_of_windows = greatest_of_windows,
                              .greatest = greatest};

}  // namespace syn::snn::kernels::reference
