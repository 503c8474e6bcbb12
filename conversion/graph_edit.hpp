// A graph that is being rewritten: who makes a value, who reads it, and cutting nodes out or in. Private to
// conversion/. Deliberately not here: any rule (fold.cpp, moves.cpp, quantised.cpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "core/error.hpp"

namespace syn {

class GraphEdit {
 public:
  explicit GraphEdit(ann::Graph graph);

  ann::Graph& graph() { return graph_; }
  const ann::Graph& graph() const { return graph_; }
  std::vector<ann::Node>& nodes() { return graph_.nodes; }

  // How many nodes read a value; the graph's output counts as one more.
  int readers(const std::string& value) const;
  std::optional<std::size_t> maker(const std::string& value) const;
  // The one node that reads it, if there is no other and it is not the output.
  std::optional<std::size_t> only_reader(const std::string& value) const;

  // Takes node i out; its readers read its first input.
  void remove(std::size_t i);
  // Puts a node with `op` behind `value`, before node `at`, and returns the name of what it makes. Nobody reads it yet.
  std::string insert(std::size_t at, ann::Operator op, const std::string& name, const std::string& value);
  // The nodes' operators and names change places; `first` makes what `second` reads, and is read by nobody else.
  void swap(std::size_t first, std::size_t second);

  // Shapes of all values, after the last change.
  Expected<> refresh();
  const ann::ValueShape& shape(const std::string& value) const { return shapes_.at(value); }
  std::size_t channels(const std::string& value) const { return static_cast<std::size_t>(shape(value)[0]); }
  // Whether a value is never negative, whatever the input; of values that existed at the last refresh().
  bool never_negative(const std::string& value) const { return positive_.contains(value); }

 private:
  std::string fresh(const std::string& wanted);

  ann::Graph graph_;
  std::map<std::string, ann::ValueShape> shapes_;
  std::set<std::string> positive_, names_;
};

// "node 'name' (Operator)", as errors say it.
std::string place_of(const ann::Node& node);

// y = x * factor + shift per channel: a BatchNormalization in evaluation mode, or an Affine; in double.
struct ChannelMap {
  std::vector<double> factor, shift;
};
std::optional<ChannelMap> channel_map(const ann::Operator& op, std::size_t channels);

}  // namespace syn
