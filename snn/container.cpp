// Layout, little-endian:
//     0   8  magic "SYNFIRE\0"
//     8  32  SHA-256 of the header: the model's identity
//    40   4  version
//    44   4  zero
//    48   8  length of the header
//    56   8  length of the file
//    64      header (snn/model.proto), then zeros up to the next multiple of 64, then each tensor likewise; the file
//            ends with its last tensor's last byte
// Every byte is thus a checked constant, a checked length, hashed, or padding that must be zero: no bit can flip
// unseen.
#include "snn/container.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "snn/model.pb.h"
#include "snn/model_header.hpp"

namespace syn::snn {
namespace {

constexpr std::string_view kMagic{"SYNFIRE\0", 8};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPreamble = 64;
constexpr std::uint64_t kAlign = 64;
constexpr std::uint64_t kMaxFile = 4ull << 30;

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlign - 1) / kAlign * kAlign;
}

template <class T>
T load_at(ByteView bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}
template <class T>
void store_at(Bytes& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

bool zeros(ByteView bytes) {
  for (const std::uint8_t byte : bytes)
    if (byte != 0) return false;
  return true;
}

// The tensor table describes exactly what follows the header, and every tensor has its hash.
Expected<> check_tensors(const proto::Model& header, ByteView bytes, std::uint64_t header_end, std::string_view where) {
  std::uint64_t end = header_end;
  for (int i = 0; i < header.tensors_size(); ++i) {
    const proto::Tensor& tensor = header.tensors(i);
    const std::uint64_t begin = tensor.length() == 0 ? end : aligned(end);
    if (tensor.offset() != begin || begin > bytes.size() || tensor.length() > bytes.size() - begin)
      return broken(text::cat("tensor ", i, " claims ", tensor.length(), " bytes at ", tensor.offset(),
                              " of a file of ", bytes.size()),
                    where);
    if (!zeros(bytes.subspan(end, begin - end)))
      return broken(text::cat("padding before tensor ", i, " is not zero"), where);
    const auto digest = Sha256::of(bytes.subspan(begin, tensor.length()));
    if (tensor.sha256().size() != digest.size() ||
        std::memcmp(digest.data(), tensor.sha256().data(), digest.size()) != 0)
      return broken(text::cat("tensor ", i, " does not match its hash"), where);
    end = begin + tensor.length();
  }
  if (end != bytes.size()) return broken("bytes follow the last tensor", where);
  return {};
}

}  // namespace

Expected<ByteView> checked_header(ByteView bytes, std::string_view where) {
  if (bytes.size() < kPreamble) return broken(text::cat("not a .syn file: only ", bytes.size(), " bytes"), where);
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return broken("not a .syn file: wrong magic", where);
  if (const auto version = load_at<std::uint32_t>(bytes, 40); version != kVersion)
    return fail(text::cat("a .syn file of version ", version, "; this program reads version ", kVersion),
                std::string(where), "use the program's version that wrote it, or convert the model again");
  if (load_at<std::uint32_t>(bytes, 44) != 0) return broken("the spare field of the preamble is not zero", where);
  const auto header = load_at<std::uint64_t>(bytes, 48), total = load_at<std::uint64_t>(bytes, 56);
  if (total != bytes.size())
    return broken(text::cat("the file is cut short or too long: ", bytes.size(), " bytes where it says ", total),
                  where);
  if (header > kMaxHeader || header > bytes.size() - kPreamble)
    return broken(text::cat("the header claims ", header, " bytes"), where);
  const ByteView view = bytes.subspan(kPreamble, header);
  const auto digest = Sha256::of(view);
  if (std::memcmp(digest.data(), bytes.data() + 8, digest.size()) != 0)
    return broken("the header does not match its hash", where);
  return view;
}

Bytes write_container(proto::Model& header, std::span<const ByteView> tensors) {
  for (const ByteView bytes : tensors) {
    proto::Tensor& tensor = *header.add_tensors();
    tensor.set_length(bytes.size());
    const auto digest = Sha256::of(bytes);
    tensor.set_sha256(digest.data(), digest.size());
  }
  // Offsets are variable-length numbers inside the header whose length they depend on: start from the header without
  // them and repeat until it stops growing; both only grow, by at most 9 bytes a tensor.
  std::uint64_t header_size = header.ByteSizeLong();
  for (;;) {
    std::uint64_t end = kPreamble + header_size;
    for (proto::Tensor& tensor : *header.mutable_tensors()) {
      tensor.set_offset(tensor.length() == 0 ? end : aligned(end));
      end = tensor.offset() + tensor.length();
    }
    const std::uint64_t now = header.ByteSizeLong();
    if (now == header_size) break;
    header_size = now;
  }
  std::uint64_t end = kPreamble + header_size;
  if (!tensors.empty()) end = header.tensors(header.tensors_size() - 1).offset() + tensors.back().size();
  Bytes bytes(end);
  header.SerializeToArray(bytes.data() + kPreamble, static_cast<int>(header_size));
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].empty())
      std::memcpy(bytes.data() + header.tensors(static_cast<int>(i)).offset(), tensors[i].data(), tensors[i].size());
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  const auto digest = Sha256::of(ByteView(bytes).subspan(kPreamble, header_size));
  std::memcpy(bytes.data() + 8, digest.data(), digest.size());
  store_at<std::uint32_t>(bytes, 40, kVersion);
  store_at<std::uint64_t>(bytes, 48, header_size);
  store_at<std::uint64_t>(bytes, 56, bytes.size());
  return bytes;
}

Expected<> read_container(ByteView bytes, std::string_view where, std::string_view feature, proto::Model& header) {
  const auto view = checked_header(bytes, where);
  if (!view) return fail(view.error());
  if (!header.ParseFromArray(view->data(), static_cast<int>(view->size())))
    return broken("the header cannot be parsed", where);
  bool there = feature.empty();
  for (const std::string& required : header.required_features()) {
    if (required == feature) {
      there = true;
    } else if (feature.empty() && (required == kLeakyFeature || required == kDelayFeature)) {
      continue;
    } else if (required == kRealFeature) {
      return fail("the model is of the float profile ('real'), where an integer one is needed", std::string(where),
                  "convert the network to an integer model");
    } else {
      return fail(text::cat("the model needs '", required, "', which this program does not know"), std::string(where),
                  "use a newer program");
    }
  }
  if (!there)
    return fail(text::cat("the model does not say that it is '", feature, "'"), std::string(where),
                "read it as an integer model");
  return check_tensors(header, bytes, kPreamble + view->size(), where);
}

Expected<> save_bytes(ByteView bytes, const std::filesystem::path& path) {
  const std::string temporary = text::cat(path.string(), ".", ::getpid(), ".part");
  const auto failed = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    ::unlink(temporary.c_str());
    return fail(text::cat("cannot ", what, " the model: ", reason), path.string(),
                "choose another place, or make room");
  };
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return failed("create");
  for (std::size_t done = 0; done < bytes.size();) {
    const auto wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      ::close(file);
      return failed("write");
    }
    done += static_cast<std::size_t>(wrote);
  }
  // Durable before it gets its name: after a power cut the name holds the old model or the new one (P11).
  if (::fsync(file) != 0) {
    ::close(file);
    return failed("write");
  }
  if (::close(file) != 0) return failed("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("rename");
  return {};
}

Expected<Bytes> load_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(text::cat("cannot read the model: ", error.message()), path.string(), "check the path");
  if (size > kMaxFile)
    return fail(text::cat("the file has ", size, " bytes, too many"), path.string(), "check the path");
  Bytes bytes(size);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    return fail("cannot read the model", path.string(), "check its permissions");
  return bytes;
}

}  // namespace syn::snn
