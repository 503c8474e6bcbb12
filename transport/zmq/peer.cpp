#include "transport/zmq/peer.hpp"

#include <cstring>

namespace syn::mq {

namespace {
constexpr std::array<std::uint8_t, 4> kMagic{'S', 'Y', 'N', 1};
}

Bytes introduction(NodeId self) {
  Bytes out(kMagic.begin(), kMagic.end());
  out.resize(kMagic.size() + sizeof self.value);
  std::memcpy(out.data() + kMagic.size(), &self.value, sizeof self.value);
  return out;
}

std::optional<NodeId> introduced(ByteView body) {
  NodeId id;
  if (body.size() != kMagic.size() + sizeof id.value || std::memcmp(body.data(), kMagic.data(), kMagic.size()) != 0) {
    return std::nullopt;
  }
  std::memcpy(&id.value, body.data() + kMagic.size(), sizeof id.value);
  return id;
}

bool is_loopback(std::string_view address) {
  constexpr std::string_view kScheme = "tcp://";
  if (!address.starts_with(kScheme)) return false;
  address.remove_prefix(kScheme.size());
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = address.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  // Numbers only: "127.example.org" is somebody else.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace syn::mq
