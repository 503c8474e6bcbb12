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
  const char* operator()(const Affine&) const { return "Affine"; }
  const char* operator()(const Relu&) const { return "Relu"; }
  const char* operator()(const LeakyRelu&) const { return "LeakyRelu"; }
  const char* operator()(const Clip&) const { return "Clip"; }
  const char* operator()(const Floor&) const { return "Floor"; }
  const char* operator()(const QuantisedRelu&) const { return "QuantisedRelu"; }
  const char* operator()(const LocalResponseNormalization&) const { return "LRN"; }
  const char* operator()(const AveragePool&) const { return "AveragePool"; }
  const char* operator()(const MaxPool&) const { return "MaxPool"; }
  const char* operator()(const Pad&) const { return "Pad"; }
  const char* operator()(const Add&) const { return "Add"; }
  const char* operator()(const Concat&) const { return "Concat"; }
  const char* operator()(const ChannelPermutation&) const { return "ChannelPermutation"; }
  const char* operator()(const Flatten&) const { return "Flatten"; }
  const char* operator()(const Reshape&) const { return "Reshape"; }
  const char* operator()(const Softmax& softmax) const { return softmax.log ? "LogSoftmax" : "Softmax"; }
};

struct Parameters {
  std::int64_t operator()(const Conv& conv) const { return size_of(conv.weight) + size_of(conv.bias); }
  std::int64_t operator()(const Gemm& gemm) const { return size_of(gemm.weight) + size_of(gemm.bias); }
  std::int64_t operator()(const BatchNormalization& bn) const { return size_of(bn.scale) + size_of(bn.bias); }
  std::int64_t operator()(const Affine& affine) const { return size_of(affine.factor) + size_of(affine.shift); }
  std::int64_t operator()(const QuantisedRelu& relu) const { return size_of(relu.ceiling); }
  template <class Other>
  std::int64_t operator()(const Other&) const {
    return 0;
  }
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
