// Between a model's structure (everything but its tensors) and the Protobuf header of its file. Internal to snn/.
// Deliberately not here: bytes, hashes, tensors (model_file.cpp).
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::snn {

namespace proto {
class Model;
}

void put_structure(const Model& model, proto::Model& header);
// Bounds every number that a size is later computed from.
Expected<Model> structure_of(const proto::Model& header, std::string_view where);

// "convert the model again": what a broken file calls for.
std::unexpected<Error> broken(std::string what, std::string_view where);

}  // namespace syn::snn
