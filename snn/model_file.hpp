// The `.syn` file: magic, version, length, a Protobuf header, then 64-byte aligned raw tensors, each with its SHA-256
// in the header (docs/file-format.md). The model's identity is the SHA-256 of the header as stored. The Protobuf
// classes are private to snn/; the container is shared with the float profile (container.hpp).
#pragma once

#include <filesystem>

#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/model.hpp"

namespace syn::snn {

// Same model, same bytes.
Bytes write_model(const Model& model);
// Bounded: every length is checked against the bytes that are there before memory is taken; every tensor's hash is
// checked. `where` names the file in errors.
Expected<Model> read_model(ByteView bytes, std::string_view where);
Expected<ModelHash> hash_of(ByteView bytes, std::string_view where);
// Which reader a file is for: this one, or real/model_file.hpp.
enum class Profile : std::uint8_t { integer, real };
Expected<Profile> profile_of(ByteView bytes, std::string_view where);

Expected<> save_model(const Model& model, const std::filesystem::path& path);  // atomically, by rename
Expected<Model> load_model(const std::filesystem::path& path);

}  // namespace syn::snn
