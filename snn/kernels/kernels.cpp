#include "snn/kernels/kernels.hpp"

#include "snn/kernels/reference.hpp"

namespace syn::snn::kernels {
namespace {
constexpr const Table* kTables[] = {&reference::kTable};
}
std::span<const Table* const> available() { return kTables; }
}  // namespace syn::snn::kernels
