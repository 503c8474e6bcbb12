#include "cli/mesh_parts.hpp"

#include <cstdlib>

#include "cli/options.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

fs::path state_home() {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg) return fs::path(xdg) / "synfire";
  const char* home = std::getenv("HOME");
  return fs::path(home ? home : ".") / ".local/state/synfire";
}

Expected<> write_pids(const std::string& path, const daemon::Children& children) {
  if (path.empty()) return {};
  std::string lines;
  for (const daemon::Child& child : children.all()) lines += text::cat(child.pid, "\n");
  return write_file(path, {reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size()});
}

}  // namespace syn::cli
