#include "conversion/data/idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <system_error>

#include "core/text.hpp"

namespace syn::data {
namespace {

constexpr std::uint64_t kGreatestBody = std::uint64_t{4} << 30;
// Deflate cannot shrink by more than 1032 (zlib's technical notes), so a gzip file bounds what it can hold.
constexpr std::uint64_t kGreatestRatio = 1032;
constexpr std::size_t kChunk = std::size_t{1} << 18;
constexpr const char* kAgain = "fetch the data set again";

// zlib's reader passes files without the gzip magic through as they are, so this reads both kinds.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(gzopen(file.c_str(), "rb"), gzclose_r) {
    if (file_) gzbuffer(file_.get(), kChunk);
  }
  bool is_open() const { return file_ != nullptr; }
  bool is_gzip() const { return gzdirect(file_.get()) == 0; }

  // As many bytes as there are, up to `out.size()`; nothing when the stream is damaged or cut.
  std::optional<std::size_t> read(std::span<std::uint8_t> out) {
    std::size_t have = 0;
    while (have < out.size()) {
      const auto want = static_cast<unsigned>(std::min(out.size() - have, kChunk));
      const int got = gzread(file_.get(), out.data() + have, want);
      if (got < 0) return {};
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    int code = Z_OK;
    gzerror(file_.get(), &code);
    if (code != Z_OK && code != Z_STREAM_END) return {};  // Z_BUF_ERROR: the file ends inside the stream
    return have;
  }

 private:
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

Expected<std::vector<std::size_t>> read_dims(Reader& reader, const std::string& where, std::size_t min_rank,
                                             std::size_t max_rank) {
  std::array<std::uint8_t, 4> word{};
  const auto next = [&] { return reader.read(word) == word.size(); };
  if (!next()) return fail("the file ends (or its compression breaks) inside the IDX header", where, kAgain);
  if (word[0] != 0 || word[1] != 0 || word[2] != 0x08 || word[3] < min_rank || word[3] > max_rank) {
    const std::string found = text::hex({reinterpret_cast<const char*>(word.data()), word.size()});
    return fail(
        text::cat("not an IDX file of unsigned bytes with ", min_rank,
                  max_rank > min_rank ? text::cat(" to ", max_rank) : "", " dimensions: it starts with ", found),
        where, "name the images first, then the labels: idx:IMAGES,LABELS");
  }
  std::vector<std::size_t> dims(word[3]);
  for (std::size_t& dim : dims) {
    if (!next()) return fail("the file ends (or its compression breaks) inside the IDX header", where, kAgain);
    dim = std::size_t{word[0]} << 24 | std::size_t{word[1]} << 16 | std::size_t{word[2]} << 8 | word[3];
  }
  return dims;
}

}  // namespace

Expected<IdxArray> read_idx(const std::filesystem::path& file, std::size_t min_rank, std::size_t max_rank,
                            std::optional<std::size_t> limit) {
  const std::string where = file.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return fail("no such file", where, "check the path");
  const std::uint64_t file_size = std::filesystem::file_size(file, error);
  Reader reader(file);
  if (error || !reader.is_open()) return fail("the file cannot be read", where, "check its permissions");
  // zlib decides between gzip and plain at the first read, which is read_dims'.
  auto dims = read_dims(reader, where, min_rank, max_rank);
  if (!dims) return fail(dims.error());

  std::uint64_t body = 1;
  for (const std::size_t dim : *dims) {
    if (dim == 0 || dim > kGreatestBody / body) {
      return fail(text::cat("the header declares ", dim == 0 ? "an empty dimension" : "more than 4 GiB"), where,
                  kAgain);
    }
    body *= dim;
  }
  const std::uint64_t header = 4 + 4 * dims->size();
  const std::uint64_t room = reader.is_gzip() ? file_size * kGreatestRatio : file_size - header;
  if (body > room) {
    return fail(text::cat("the header declares ", body, " bytes, more than a file of ", file_size, " bytes can hold"),
                where, kAgain);
  }

  const std::size_t item = body / dims->front();
  const std::size_t keep = item * std::min(dims->front(), limit.value_or(dims->front()));
  IdxArray out{.dims = std::move(*dims), .bytes = {}};
  std::array<std::uint8_t, 1> beyond{};
  std::vector<std::uint8_t> chunk(kChunk);
  for (std::uint64_t done = 0; done < body;) {
    const auto part = std::span(chunk).first(std::min<std::uint64_t>(kChunk, body - done));
    const auto got = reader.read(part);
    if (got != part.size()) {
      return fail(
          text::cat("the data ends (or its compression breaks) after ", done + got.value_or(0), " of ", body, " bytes"),
          where, kAgain);
    }
    if (done < keep) {  // Growing as data arrives: a lying gzip header costs at most twice what the file really holds.
      const auto wanted = part.first(std::min<std::uint64_t>(part.size(), keep - done));
      out.bytes.insert(out.bytes.end(), wanted.begin(), wanted.end());
    }
    done += part.size();
  }
  const auto rest = reader.read(beyond);  // also makes zlib compare the checksum
  if (!rest) return fail("the file is damaged: its checksum does not match", where, kAgain);
  if (*rest != 0)
    return fail(text::cat("the file goes on after the ", body, " bytes that its header declares"), where, kAgain);
  return out;
}

}  // namespace syn::data
