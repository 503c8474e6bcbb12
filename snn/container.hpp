// The `.syn` container: preamble, Protobuf header, aligned tensors, each hashed (layout at the head of container.cpp).
// What header and tensors say is the profiles' own: model_file.cpp (integer), real/model_file.cpp (float). Internal to
// snn/.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::snn {

namespace proto {
class Model;
}

inline constexpr std::uint64_t kMaxHeader = 1 << 20;  // a hostile one parses into some 50 times that, no more
// The required feature of a file that holds a model of the float profile.
inline constexpr std::string_view kRealFeature = "real";
// Those of integer models with a membrane, or with a delay: read without them, they would be other models.
inline constexpr std::string_view kLeakyFeature = "leaky", kDelayFeature = "delays";

// Completes the header with the table of these tensors. Same header and tensors, same bytes.
Bytes write_container(proto::Model& header, std::span<const ByteView> tensors);
// Checks preamble, header hash, required features (`feature` and no other, where one is expected; else those of integer
// models) and the tensor table with all
// hashes. Tensors are then where the table says.
Expected<> read_container(ByteView bytes, std::string_view where, std::string_view feature, proto::Model& header);
// The header alone, its hash checked.
Expected<ByteView> checked_header(ByteView bytes, std::string_view where);

// Bytes to a file by rename, durable before it gets its name; and back, bounded.
Expected<> save_bytes(ByteView bytes, const std::filesystem::path& path);
Expected<Bytes> load_bytes(const std::filesystem::path& path);

}  // namespace syn::snn
