// The `.syn` file of a float model: the same container as the integer one (docs/file-format.md), behind the required
// feature `real`, so that programs that do not know it refuse the file by that name.
#pragma once

#include <filesystem>

#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real {

// Same model, same bytes. Refused if the model is (check()), or if its header would be longer than readers take.
Expected<Bytes> write_model(const Model& model);
// Bounded as the integer reader is; what it gives has passed check(). `where` names the file in errors.
Expected<Model> read_model(ByteView bytes, std::string_view where);

Expected<> save_model(const Model& model, const std::filesystem::path& path);  // atomically, by rename
Expected<Model> load_model(const std::filesystem::path& path);

}  // namespace syn::snn::real
