// In four passes: who owns each channel; where populations fall apart into atoms (ranges of channels that live in one
// shard and are read whole); what each shard reads; the shards themselves.
// Pooling ties its two ends: both fall apart at the same channels, so that a slice is pooled from exactly one slice.
// Projections of one source channel to one target channel (depthwise, one-to-one) tie their source to their target, so
// that no channel travels to a shard that has no use for it; a source that must stay whole is read whole.
#include "snn/cut.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"

namespace syn::snn {
namespace {

constexpr std::uint32_t kNobody = 0xfffffffe;

struct Atom {
  std::uint32_t population, begin, end;
  auto operator<=>(const Atom&) const = default;
};

bool is_source(const Population& p) {
  return std::holds_alternative<Source>(p.kind);
}
bool pools(const Connection& c) {
  return std::holds_alternative<SumPool>(c) || std::holds_alternative<MaxPool>(c);
}

template <class T>
std::vector<T> slice(const std::vector<T>& values, const Atom& atom) {
  return values.empty() ? values : std::vector<T>(values.begin() + atom.begin, values.begin() + atom.end);
}

// Of rows of all channels, the atom's channels.
template <class T>
std::vector<T> slice_rows(const std::vector<T>& rows, const Shape& whole, const Atom& atom) {
  std::vector<T> out;
  for (auto row = rows.begin(); row != rows.end(); row += whole.channels)
    out.insert(out.end(), row + atom.begin, row + atom.end);
  return out;
}

class Cutter {
 public:
  Cutter(const Model& model, std::span<const std::vector<Piece>> pieces) : model_(model), pieces_(pieces) {}

  Expected<CutModel> operator()() {
    if (auto done = own(); !done) return fail(done.error());
    if (auto done = split(); !done) return fail(done.error());
    read();
    if (auto done = check_order(); !done) return fail(done.error());
    CutModel cut;
    for (std::uint32_t shard = 0; shard < pieces_.size(); ++shard) {
      cut.shards.push_back(shard_of(shard));
      if (cut.shards.back().outputs.empty())
        return refuse(text::cat("nothing that shard ", shard, " computes is read by another shard or is an output"));
    }
    cut.cuts = std::move(cuts_);
    std::ranges::sort(cut.cuts, {}, [](const Cut& c) { return std::tuple(c.from_shard, c.to_shard, c.population); });
    return cut;
  }

 private:
  std::unexpected<Error> refuse(std::string what) const {
    return fail(std::move(what), text::cat("a cut of model '", model_.name, "'"), "change the plan");
  }
  const std::string& name(std::uint32_t population) const { return model_.populations[population].name; }

  Expected<> own() {
    for (const Population& p : model_.populations) owner_.emplace_back(p.shape.channels, kNobody);
    for (std::uint32_t shard = 0; shard < pieces_.size(); ++shard) {
      for (const Piece& piece : pieces_[shard]) {
        if (piece.population >= model_.populations.size())
          return refuse(
              text::cat("shard ", shard, " has a piece of population ", piece.population, ", which is not there"));
        const Population& p = model_.populations[piece.population];
        const auto where = [&] { return text::cat("shard ", shard, "'s piece of '", p.name, "'"); };
        if (is_source(p)) return refuse(text::cat(where(), " is a source, which the gateway holds"));
        if (piece.channel_begin >= piece.channel_end || piece.channel_end > p.shape.channels)
          return refuse(text::cat(where(), " has channels ", piece.channel_begin, " to ", piece.channel_end, " of ",
                                  p.shape.channels));
        if (std::holds_alternative<Readout>(p.kind) && piece.channel_end - piece.channel_begin != p.shape.channels)
          return refuse(text::cat(where(), " slices the readout, which must stay whole"));
        for (std::uint32_t c = piece.channel_begin; c < piece.channel_end; ++c) {
          if (owner_[piece.population][c] != kNobody)
            return refuse(text::cat("channel ", c, " of '", p.name, "' is covered twice"));
          owner_[piece.population][c] = shard;
        }
      }
    }
    for (const Projection& projection : model_.projections)  // in model order: what a chain of pools follows is known
      if (std::holds_alternative<Pooled>(model_.populations[projection.to].kind) && pools(projection.connection))
        for (std::uint32_t c = 0; c < owner_[projection.to].size(); ++c)
          if (owner_[projection.to][c] == kNobody) owner_[projection.to][c] = owner_[projection.from][c];
    for (std::uint32_t p = 0; p < owner_.size(); ++p)
      if (!is_source(model_.populations[p]))
        for (std::uint32_t c = 0; c < owner_[p].size(); ++c)
          if (owner_[p][c] == kNobody) return refuse(text::cat("channel ", c, " of '", name(p), "' is in no shard"));
    return {};
  }

  // Sources, and what pooling ties to them.
  std::vector<bool> must_stay_whole() const {
    std::vector<bool> whole;
    for (const Population& p : model_.populations) whole.push_back(is_source(p));
    for (const Projection& projection : model_.projections)  // in model order: pools behind pools follow
      if (pools(projection.connection) && whole[projection.from]) whole[projection.to] = true;
    return whole;
  }

  Expected<> split() {
    std::vector<std::set<std::uint32_t>> bounds(owner_.size());
    for (std::uint32_t p = 0; p < owner_.size(); ++p) {
      bounds[p] = {0, static_cast<std::uint32_t>(owner_[p].size())};
      for (std::uint32_t c = 1; c < owner_[p].size(); ++c)
        if (owner_[p][c] != owner_[p][c - 1]) bounds[p].insert(c);
    }
    const std::vector<bool> whole = must_stay_whole();
    for (bool grew = true; grew;) {
      grew = false;
      for (const Projection& projection : model_.projections) {
        auto &from = bounds[projection.from], &to = bounds[projection.to];
        const auto before = from.size() + to.size();
        if (pools(projection.connection)) {
          from.insert(to.begin(), to.end());
          to.insert(from.begin(), from.end());
        } else if (const std::optional<std::int64_t> shift = shift_of(projection.connection);
                   shift && !whole[projection.from]) {
          for (const std::int64_t bound : to)
            if (bound - *shift > 0 && bound - *shift < *from.rbegin())
              from.insert(static_cast<std::uint32_t>(bound - *shift));
        }
        grew = grew || from.size() + to.size() != before;
      }
    }
    for (std::uint32_t p = 0; p < owner_.size(); ++p) {
      const Population& population = model_.populations[p];
      if (bounds[p].size() > 2 && (is_source(population) || std::holds_alternative<Readout>(population.kind)))
        return refuse(
            text::cat("'", name(p),
                      "' would have to be sliced, because what is pooled from it or into it is; it must stay whole"));
      atoms_.emplace_back();
      for (auto b = bounds[p].begin(); std::next(b) != bounds[p].end(); ++b)
        atoms_[p].push_back({p, *b, *std::next(b)});
    }
    return {};
  }

  std::uint32_t shard_of_atom(const Atom& a) const {
    return is_source(model_.populations[a.population]) ? kGateway : owner_[a.population][a.begin];
  }

  // The atoms of `projection`'s source that a target atom reads. A target atom that nothing feeds still reads one atom,
  // through a projection that connects nothing: a shard is paced by what it reads.
  std::span<const Atom> read_by(const Projection& projection, const Atom& target) const {
    const std::span<const Atom> all = atoms_[projection.from];
    if (pools(projection.connection))
      return all.subspan(static_cast<std::size_t>(std::ranges::find(all, target.begin, &Atom::begin) - all.begin()), 1);
    const std::optional<std::int64_t> shift = shift_of(projection.connection);
    if (!shift) return all;
    const auto begin = std::ranges::find_if(all, [&](const Atom& a) { return a.end + *shift > target.begin; });
    const auto end = std::find_if(begin, all.end(), [&](const Atom& a) { return a.begin + *shift >= target.end; });
    if (begin != end || fed(target) || &projection != &first_into(target.population)) return {begin, end};
    return all.first(1);
  }

  const Projection& first_into(std::uint32_t population) const {
    return *std::ranges::find(model_.projections, population, &Projection::to);
  }
  bool fed(const Atom& target) const {
    return std::ranges::any_of(model_.projections, [&](const Projection& p) {
      if (p.to != target.population) return false;
      const std::optional<std::int64_t> shift = shift_of(p.connection);
      const std::int64_t channels = model_.populations[p.from].shape.channels;
      return !shift || (*shift < target.end && channels + *shift > target.begin);
    });
  }

  void read() {
    std::map<Atom, std::set<std::uint32_t>> readers;  // shards other than the atom's own
    for (const Projection& projection : model_.projections)
      for (const Atom& target : atoms_[projection.to])
        for (const Atom& source : read_by(projection, target))
          if (shard_of_atom(source) != shard_of_atom(target)) readers[source].insert(shard_of_atom(target));
    for (const std::string& output : model_.outputs)
      if (const int at = find(model_, output); at >= 0)
        for (const Atom& atom : atoms_[static_cast<std::size_t>(at)]) readers[atom].insert(kGateway);
    for (const auto& [atom, shards] : readers) {
      const Population p = population_of(atom);
      const auto* pixels = std::get_if<Source>(&p.kind);
      for (const std::uint32_t to : shards)
        cuts_.push_back({.from_shard = shard_of_atom(atom),
                         .to_shard = to,
                         .population = p.name,
                         .neurons = p.shape.neurons(),
                         .greatest = p.greatest,
                         .potentials = std::holds_alternative<Readout>(p.kind),
                         .constant = pixels && !pixels->scale.empty() && model_.code == Code::step,
                         .mean_count = p.mean_count,
                         .mean_events = p.mean_events});
    }
    readers_ = std::move(readers);
  }

  // A shard runs a window when all that it reads is there: shards that read each other would wait for ever.
  Expected<> check_order() const {
    std::vector<bool> done(pieces_.size());
    for (std::size_t left = pieces_.size(); left > 0;) {
      const std::size_t before = left;
      for (std::uint32_t shard = 0; shard < done.size(); ++shard) {
        const bool waits = std::ranges::any_of(cuts_, [&](const Cut& c) {
          return c.to_shard == shard && c.from_shard != kGateway && !done[c.from_shard];
        });
        if (!done[shard] && !waits) done[shard] = true, --left;
      }
      if (left < before) continue;
      const auto shard = static_cast<std::uint32_t>(std::ranges::find(done, false) - done.begin());
      const auto from = std::ranges::find_if(
          cuts_, [&](const Cut& c) { return c.to_shard == shard && c.from_shard != kGateway && !done[c.from_shard]; });
      return refuse(text::cat("shard ", shard, " reads '", from->population, "' of shard ", from->from_shard,
                              ", and shards that read each other would wait for ever: keep what is recurrent in one"));
    }
    return {};
  }

  Population population_of(const Atom& atom) const {
    const Population& whole = model_.populations[atom.population];
    if (atom.end - atom.begin == whole.shape.channels) return whole;
    Population p = whole;
    p.shape.channels = atom.end - atom.begin;
    p.amplitude = slice(whole.amplitude, atom);
    const double share = static_cast<double>(p.shape.channels) / whole.shape.channels;
    p.mean_count *= share;
    p.mean_events *= share;
    // A slice of a slice is a slice of the original.
    const bool sliced = whole.channels_total != 0 && whole.name.ends_with(']');
    p.channel_begin = whole.channel_begin + atom.begin;
    p.channels_total = sliced ? whole.channels_total : whole.shape.channels;
    p.name = text::cat(sliced ? whole.name.substr(0, whole.name.rfind('[')) : whole.name, '[', p.channel_begin, ':',
                       p.channel_begin + p.shape.channels, ']');
    if (auto* fire = std::get_if<IntegrateAndFire>(&p.kind)) {
      fire->threshold = slice(fire->threshold, atom);
      fire->bias = slice_rows(fire->bias, whole.shape, atom);
    }
    if (auto* leaky = std::get_if<Leaky>(&p.kind)) {
      Membrane& membrane = leaky->membrane;
      for (auto* values : {&membrane.keep, &membrane.current_keep, &membrane.start, &leaky->bias, &leaky->threshold,
                           &leaky->reset, &leaky->adaptation_keep, &leaky->jump})
        *values = slice_rows(*values, whole.shape, atom);
    }
    return p;  // Sources and Readouts are never sliced, Pooled has nothing to slice
  }

  // Weights [rows of whole source channels][target channels], only the atoms' channels of each.
  std::vector<std::int8_t> slice_weights(const std::vector<std::int8_t>& weights, const Atom& source,
                                         const Atom& target) const {
    const std::size_t inputs = model_.populations[source.population].shape.channels,
                      outputs = model_.populations[target.population].shape.channels;
    std::vector<std::int8_t> out;
    out.reserve(weights.size() / inputs / outputs * (source.end - source.begin) * (target.end - target.begin));
    for (std::size_t block = 0; block < weights.size(); block += inputs * outputs)
      for (std::size_t in = source.begin; in < source.end; ++in) {
        const auto row = weights.begin() + static_cast<std::ptrdiff_t>(block + in * outputs);
        out.insert(out.end(), row + target.begin, row + target.end);
      }
    return out;
  }

  Connection slice_connection(const Connection& connection, const Atom& source, const Atom& target) const {
    if (pools(connection)) return connection;
    if (const auto* dense = std::get_if<Dense>(&connection))
      return Dense{slice_weights(dense->weights, source, target)};
    Connection out = connection;
    const Shape& from = model_.populations[source.population].shape;
    const auto moved = [&](std::int32_t shift) {
      return shift + static_cast<std::int32_t>(source.begin) - static_cast<std::int32_t>(target.begin);
    };
    if (auto* conv = std::get_if<Conv>(&out)) {
      conv->weights = slice_weights(conv->weights, source, target);
    } else if (auto* depthwise = std::get_if<Depthwise>(&out)) {
      depthwise->shift = moved(depthwise->shift);
      depthwise->weights = slice_rows(depthwise->weights, from, source);
    } else {
      auto& one = std::get<OneToOne>(out);
      one.shift = moved(one.shift);
      one.multiplier = slice_rows(one.multiplier, from, source);
    }
    return out;
  }

  Model shard_of(std::uint32_t shard) const {
    Model out;
    out.name = text::cat(model_.name, "/", shard);
    out.code = model_.code;
    out.steps = model_.steps;
    std::map<Atom, std::uint32_t> index;
    const auto add = [&](const Atom& atom, bool as_source) {
      Population p = population_of(atom);
      if (as_source && !is_source(p)) p.kind = Source{};  // its counts arrive ready-made
      index[atom] = static_cast<std::uint32_t>(out.populations.size());
      out.populations.push_back(std::move(p));
    };
    for (const auto& atoms : atoms_)
      for (const Atom& atom : atoms)
        if (const auto readers = readers_.find(atom); readers != readers_.end() && readers->second.contains(shard))
          add(atom, true);
    for (const auto& atoms : atoms_)
      for (const Atom& atom : atoms) {
        if (shard_of_atom(atom) != shard) continue;
        add(atom, false);
        if (readers_.contains(atom)) out.outputs.push_back(out.populations.back().name);
      }
    for (const auto& atoms : atoms_)  // now that all are there: projections may lead back
      for (const Atom& atom : atoms) {
        if (shard_of_atom(atom) != shard) continue;
        for (const Projection& projection : model_.projections)
          if (projection.to == atom.population)
            for (const Atom& source : read_by(projection, atom))
              out.projections.push_back({index.at(source), index.at(atom),
                                         slice_connection(projection.connection, source, atom), projection.delay});
      }
    return out;
  }

  const Model& model_;
  std::span<const std::vector<Piece>> pieces_;
  std::vector<std::vector<std::uint32_t>> owner_;  // [population][channel]: shard
  std::vector<std::vector<Atom>> atoms_;           // [population], ascending
  std::map<Atom, std::set<std::uint32_t>> readers_;
  std::vector<Cut> cuts_;
};

}  // namespace

Expected<CutModel> cut(const Model& model, std::span<const std::vector<Piece>> pieces) {
  return Cutter(model, pieces)();
}

}  // namespace syn::snn
