#include "conversion/data/events/unpack.hpp"

#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {

constexpr std::size_t kFirst = std::size_t{1} << 16;
constexpr const char* kAgain = "the recording is damaged: copy it again";

std::unexpected<Error> broken(const char* kind, const char* why, const std::string& where) {
  return fail(text::cat("the ", kind, " frame cannot be unpacked: ", why), where, kAgain);
}
std::unexpected<Error> bomb(std::size_t packed, std::size_t most, const std::string& where) {
  return fail(text::cat("a packet of ", packed, " bytes unpacks to more than ", most >> 20, " MiB"), where,
              "no camera writes such packets; if yours does, record with shorter ones");
}

// Makes room for more output, at most `most` bytes in all; false when that is reached.
bool grow(Bytes& out, std::size_t have, std::size_t most) {
  if (have < out.size()) return true;
  if (have >= most) return false;
  out.resize(std::min(most, std::max(kFirst, have * 2)));
  return true;
}

Expected<> unpack_lz4(ByteView packed, std::size_t most, const std::string& where, Bytes& out) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) return broken("LZ4", "out of memory", where);
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(raw,
                                                                                     &LZ4F_freeDecompressionContext);
  std::size_t have = 0, taken = 0;
  for (;;) {
    if (!grow(out, have, most + 1)) return bomb(packed.size(), most, where);
    std::size_t in = packed.size() - taken, room = out.size() - have;
    const std::size_t state =
        LZ4F_decompress(context.get(), out.data() + have, &room, packed.data() + taken, &in, nullptr);
    if (LZ4F_isError(state)) return broken("LZ4", LZ4F_getErrorName(state), where);
    have += room;
    taken += in;
    if (have > most) return bomb(packed.size(), most, where);
    if (state == 0) break;
    if (room == 0 && in == 0) return broken("LZ4", "it ends too early", where);
  }
  out.resize(have);
  return {};
}

Expected<> unpack_zstd(ByteView packed, std::size_t most, const std::string& where, Bytes& out) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) return broken("Zstandard", "out of memory", where);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 26);  // 64 MiB: the window is memory, too
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t have = 0;
  for (;;) {
    if (!grow(out, have, most + 1)) return bomb(packed.size(), most, where);
    ZSTD_outBuffer room{out.data() + have, out.size() - have, 0};
    const std::size_t before = in.pos;
    const std::size_t state = ZSTD_decompressStream(context.get(), &room, &in);
    if (ZSTD_isError(state)) return broken("Zstandard", ZSTD_getErrorName(state), where);
    have += room.pos;
    if (have > most) return bomb(packed.size(), most, where);
    if (state == 0) break;
    if (room.pos == 0 && in.pos == before) return broken("Zstandard", "it ends too early", where);
  }
  out.resize(have);
  return {};
}

}  // namespace

Expected<> unpack(Packing packing, ByteView packed, std::size_t most, const std::string& where, Bytes& out) {
  switch (packing) {
    case Packing::none:
      out.assign(packed.begin(), packed.end());
      return {};
    case Packing::lz4:
      return unpack_lz4(packed, most, where, out);
    case Packing::zstd:
      return unpack_zstd(packed, most, where, out);
  }
  SYN_ASSERT(false, "packing");
  return {};
}

}  // namespace syn::data
