#include "conversion/ann/graph.hpp"

namespace syn::ann {
namespace {

std::int64_t size_of(const Tensor& tensor) {
  return static_cast<std::int64_t>(tensor.data.size());
}

struct Name {
  const char* operator()(const Conv&) const { return "Conv"; }
  const char* operator()(const Gemm&) const { return "Gemm"; }
  const char* operator()(const BatchNormalization&) const { return "BatchNormalization"; }
  const char* operator()(const Relu&) const { return "Relu"; }
  const char* operator()(const AveragePool&) const { return "AveragePool"; }
  const char* operator()(const MaxPool&) const { return "MaxPool"; }
  const char* operator()(const Flatten&) const { return "Flatten"; }
  const char* operator()(const Softmax&) const { return "Softmax"; }
};

struct Parameters {
  std::int64_t operator()(const Conv& conv) const { return size_of(conv.weight) + size_of(conv.bias); }
  std::int64_t operator()(const Gemm& gemm) const { return size_of(gemm.weight) + size_of(gemm.bias); }
  std::int64_t operator()(const BatchNormalization& bn) const { return size_of(bn.scale) + size_of(bn.bias); }
  std::int64_t operator()(const Relu&) const { return 0; }
  std::int64_t operator()(const AveragePool&) const { return 0; }
  std::int64_t operator()(const MaxPool&) const { return 0; }
  std::int64_t operator()(const Flatten&) const { return 0; }
  std::int64_t operator()(const Softmax&) const { return 0; }
};

}  // namespace

const char* name_of(const Operator& op) {
  return std::visit(Name{}, op);
}

std::int64_t parameter_count(const Graph& graph) {
  std::int64_t total = 0;
  for (const Node& node : graph.nodes) total += std::visit(Parameters{}, node.op);
  return total;
}

}  // namespace syn::ann
