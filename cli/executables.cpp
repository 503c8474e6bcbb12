#include "cli/executables.hpp"

#include <filesystem>

namespace syn::cli {

std::string executable(std::string_view name) {
  std::error_code trouble;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", trouble);
  return (self.parent_path() / name).string();
}

}  // namespace syn::cli
