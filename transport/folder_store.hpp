// What a node remembers, in a folder:
//
//   values/NAME    replace(): written to values/~NAME, synced, renamed, and the folder synced
//   records/NAME   append(): u32 length, 8 bytes of the SHA-256 of length and content, content; synced each
//
// '~' is in no name, so leftovers of a power cut cannot be mistaken for values. A record that a power cut has torn is
// the last one: it is ignored, and cut off before the next append. Damage anywhere else is an Error, never a guess.
//
// Works inline and posts `done`: a node writes some hundred bytes when a plan changes or a term begins, and must not go
// on before that is durable, so a thread would add an ordering problem and save nothing. One process a folder.
#pragma once

#include <filesystem>
#include <map>

#include "core/store.hpp"
#include "transport/loop.hpp"

namespace syn {

class FolderStore final : public Store {
 public:
  static constexpr std::size_t kMost = 64 << 20;  // bytes of one value, or of all records of one name

  // Makes the folder (mode 0700) if it is not there.
  static Expected<std::unique_ptr<FolderStore>> open(Loop& loop, const std::filesystem::path& folder);

  Expected<std::optional<Bytes>> load(std::string_view name) override;
  Expected<std::vector<Bytes>> records(std::string_view name) override;
  void replace(std::string_view name, Bytes bytes, Done done) override;
  void append(std::string_view name, Bytes record, Done done) override;

 private:
  FolderStore(Loop& loop, std::filesystem::path folder) : loop_(loop), folder_(std::move(folder)) {}
  Expected<> replace_now(std::string_view name, ByteView bytes);
  Expected<> append_now(std::string_view name, ByteView record);
  void finish(Expected<> result, Done done);

  Loop& loop_;
  std::filesystem::path folder_;
  std::map<std::string, std::uint64_t, std::less<>> ends_;  // records/NAME: where the last whole record ends
};

}  // namespace syn
