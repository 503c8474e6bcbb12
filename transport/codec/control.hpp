// Control messages to and from their Protobuf payload. What they carry in the frame header (deployment, epoch,
// inference) is not repeated here. Text that comes out of our own program (error messages hold file names) is clipped
// and cleaned on the way out; on the way in anything too long, too many, out of range or not UTF-8 is refused.
//
// Memory: a payload has at most kMaxControlBytes, and at most kMaxFields outermost fields are counted before Protobuf
// sees it. So 64 kB of empty sub-messages is refused, not parsed into megabytes; what is left costs below 1 MB.
#pragma once

#include "core/codec.hpp"
#include "transport/codec/frame.hpp"

namespace syn::codec {

// Chosen so that the largest legal message stays below kMaxControlBytes.
inline constexpr std::size_t kMaxName = 64;  // of a node, a version, a reason
inline constexpr std::size_t kMaxAddress = 128;
inline constexpr std::size_t kMaxPopulation = 256;  // exporters nest module names
inline constexpr std::size_t kMaxText = 4096;       // each part of an Error
inline constexpr std::size_t kMaxShardEdges = 64;   // each way
inline constexpr std::size_t kMaxShardPeers = 64;
inline constexpr std::size_t kMaxStatusEdges = 400;
inline constexpr std::size_t kMaxReasons = 64;
inline constexpr std::size_t kMaxLearner = 48;  // of a learner's name
inline constexpr std::size_t kMaxSpec = 1024;
inline constexpr std::size_t kMaxFields = 512;
inline constexpr std::uint32_t kMaxSteps = 1 << 16;
inline constexpr Duration kMaxLease = std::chrono::hours{1};

// Appends the payload. Asserts that a Prepare keeps the limits (a plan is ours); a Status loses what is above them.
void put_payload(const Hello& m, Bytes& out);
void put_payload(const Lease& m, Bytes& out);
void put_payload(const LeaseReply& m, Bytes& out);
void put_payload(const Prepare& m, Bytes& out);
void put_payload(const Prepared& m, Bytes& out);
void put_payload(const Failed& m, Bytes& out);
void put_payload(const Status& m, Bytes& out);
void put_payload(const OpenLearner& m, Bytes& out);
void put_payload(const LearnerState& m, Bytes& out);

// [a-z0-9_-]{1,48}: it becomes the name of a file.
bool is_learner_name(std::string_view name);

// The message of kind header.kind; only for the kinds above.
Expected<Message> take_payload(const Header& header, ByteView payload);

}  // namespace syn::codec
