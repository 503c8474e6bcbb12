#include <doctest/doctest.h>

#include "tests/contract/store_contract.hpp"
#include "tests/transport/net/temporary_folder.hpp"
#include "transport/folder_store.hpp"

using namespace syn;

namespace {
struct World {
  TemporaryFolder folder;
  Loop loop;
  std::unique_ptr<FolderStore> real = FolderStore::open(loop, folder.path() / "state").value();
  Store& store() { return *real; }
  void restart() { real = FolderStore::open(loop, folder.path() / "state").value(); }
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    return loop.run_until(std::move(done), limit);
  }
};
}  // namespace

TEST_CASE("a folder keeps the contract of stores") {
  contract::store_contract([] { return std::make_unique<World>(); });
}
