#include "sim/store.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace syn::sim {
namespace {

bool legal(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

std::unexpected<Error> bad_name(std::string_view name) {
  return fail(text::cat("'", name.substr(0, 64), "' is no name for a file of a store"), "store",
              "use 1 to 64 of a-z 0-9 _ . -");
}

}  // namespace

Expected<std::optional<Bytes>> MemoryStore::load(std::string_view name) {
  if (!legal(name)) return bad_name(name);
  const auto at = files_.find(name);
  return at == files_.end() ? std::nullopt : std::optional(at->second);
}

Expected<std::vector<Bytes>> MemoryStore::records(std::string_view name) {
  if (!legal(name)) return bad_name(name);
  const auto at = logs_.find(name);
  return at == logs_.end() ? std::vector<Bytes>{} : at->second;
}

void MemoryStore::replace(std::string_view name, Bytes bytes, Done done) {
  write({std::string(name), std::move(bytes), true, std::move(done)});
}

void MemoryStore::append(std::string_view name, Bytes record, Done done) {
  write({std::string(name), std::move(record), false, std::move(done)});
}

void MemoryStore::write(Write w) {
  if (!legal(w.name)) {
    later_([name = w.name, done = std::move(w.done)]() mutable { done(bad_name(name)); });
    return;
  }
  pending_.push_back(std::move(w));
  later_([this, crashes = crashes_] {
    if (crashes != crashes_) return;
    Write next = std::move(pending_.front());
    pending_.pop_front();
    if (broken_)
      return next.done(fail("no space is left", text::cat("store, '", next.name, "'"), "make room on the disk"));
    apply(next);
    next.done({});
  });
}

void MemoryStore::apply(Write& w) {
  if (w.whole) {
    files_[w.name] = std::move(w.bytes);
  } else {
    logs_[w.name].push_back(std::move(w.bytes));
  }
}

void MemoryStore::crash(Random& random) {
  ++crashes_;
  // In order: one that did not make it takes those behind it along.
  while (!pending_.empty() && !broken_ && random.below(2) == 0) {
    apply(pending_.front());
    pending_.pop_front();
  }
  pending_.clear();
}

}  // namespace syn::sim
