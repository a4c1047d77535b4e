#include "host/read/wav_header.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "host/base/error.hpp"
#include "host/read/container.hpp"

namespace gpuconv {
namespace {

constexpr std::uint64_t kPcm = 1, kFloat = 3, kAlaw = 6, kUlaw = 7;
// A GUID begins with the tag of the encoding and goes on like this:
constexpr std::string_view kGuid("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
constexpr std::string_view kAmbisonicGuid("\0\0\x21\7\xd3\x11\x86\x44\xc8\xc1\xca\0\0\0", 14);

std::uint64_t little(std::span<const unsigned char> bytes, std::size_t offset, std::size_t size) {
  return number(bytes.subspan(offset, size), ByteOrder::little);
}

/// The encoding with this tag and these bits per sample. PCM of, say, 20 bits fills the upper bits
/// of 3 bytes.
std::optional<RawEncoding> encoding_of(std::uint64_t tag, std::uint64_t bits) {
  const std::uint64_t bytes = (bits + 7) / 8;
  if (tag == kPcm && bytes == 1) return RawEncoding::u8;
  if (tag == kPcm && bytes == 2) return RawEncoding::s16;
  if (tag == kPcm && bytes == 3) return RawEncoding::s24;
  if (tag == kPcm && bytes == 4) return RawEncoding::s32;
  if (tag == kFloat && bits == 32) return RawEncoding::f32;
  if (tag == kFloat && bits == 64) return RawEncoding::f64;
  if (tag == kAlaw && bits == 8) return RawEncoding::alaw;
  if (tag == kUlaw && bits == 8) return RawEncoding::ulaw;
  return std::nullopt;
}

/// The tag of an encoding; nothing for a GUID that is not made of one.
std::optional<std::uint64_t> tag_of(std::span<const unsigned char> chunk) {
  constexpr std::size_t kGuidBegin = 24;
  const std::uint64_t tag = little(chunk, 0, 2);
  if (tag != kWavExtensible || chunk.size() < kGuidBegin + 2 + kGuid.size()) return tag;
  const auto rest = chunk.subspan(kGuidBegin + 2, kGuid.size());
  const std::string_view guid(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (guid != kGuid && guid != kAmbisonicGuid) return std::nullopt;
  return little(chunk, kGuidBegin, 2);
}

/// Nothing for a tag that gpuconv does not read.
std::optional<RawFormat> parse_fmt(const std::string& path, std::span<const unsigned char> chunk) {
  const auto tag = tag_of(chunk);
  if (tag != kPcm && tag != kFloat && tag != kAlaw && tag != kUlaw) return std::nullopt;
  const std::uint64_t channels = little(chunk, 2, 2);
  const std::uint64_t bits = little(chunk, 14, 2);
  const auto encoding = encoding_of(*tag, bits);
  if (!encoding) {
    throw FileError(
        path,
        fmt::format("has {}-bit samples of format {:#x}, which gpuconv does not read", bits, *tag));
  }
  const std::uint64_t frame_bytes = little(chunk, 12, 2);
  if (frame_bytes != 0 && frame_bytes != channels * ((bits + 7) / 8)) {
    throw FileError(path, fmt::format("has frames of {} bytes where {} channels of {} bits take {}",
                                      frame_bytes, channels, bits, channels * ((bits + 7) / 8)));
  }
  const auto rate =
      static_cast<int>(std::min<std::uint64_t>(little(chunk, 4, 4), std::uint64_t{0x7fffffff}));
  return RawFormat{rate, static_cast<int>(channels), *encoding};
}

}  // namespace

bool is_wav(std::span<const unsigned char> head) {
  const ContainerFormat* const container = find_container(head);
  if (container == nullptr || container->read_header != find_wav) return false;
  const bool is_w64 = container->magic == "riff";
  if (head.size() < (is_w64 ? 40 : 12)) return false;
  return text(head.subspan(is_w64 ? 24 : 8)) == (is_w64 ? "wave" : "WAVE");
}

std::optional<PcmHeader> find_wav(const std::string& path, const Peek& peek,
                                  std::int64_t file_bytes) {
  constexpr std::size_t kFmtBytes = 16;
  const auto head = peek(0, 40);
  if (!is_wav(head)) return std::nullopt;
  const ContainerFormat& container = *find_container(head);
  const ChunkLayout& layout = *container.chunks;
  std::optional<RawFormat> format;
  bool has_fmt = false;
  bool is_extensible = false;
  std::uint32_t channel_mask = 0;
  ChunkWalk chunks(peek, file_bytes, layout);
  while (const auto chunk = chunks.next()) {
    if (chunk->name == "fmt ") {
      if (has_fmt) throw FileError(path, "is a WAV with two formats");
      const auto fields = peek(chunk->begin, std::min<std::uint64_t>(chunk->size, 40));
      if (fields.size() < kFmtBytes) continue;
      has_fmt = true;
      format = parse_fmt(path, fields);
      is_extensible = little(fields, 0, 2) == kWavExtensible;
      constexpr std::size_t kMaskBegin = 20;
      if (is_extensible && fields.size() >= kMaskBegin + 4) {
        channel_mask = static_cast<std::uint32_t>(little(fields, kMaskBegin, 4));
      }
    }
    if (chunk->name != layout.samples || !format) continue;
    const bool is_streamed =
        (chunk->size == 0 || means_streamed(chunk->size, chunk->size_bytes)) &&
        !end_of_chunk_at(peek, chunk_end(chunk->begin, chunk->size, layout), layout);
    const bool is_wavex = is_extensible && text(head) == "RIFF";
    return PcmHeader{is_wavex ? "WAVEX" : container.name,
                     &layout,
                     *format,
                     chunk->begin,
                     is_streamed ? -1 : static_cast<std::int64_t>(chunk->size),
                     chunk->size_bytes,
                     channel_mask};
  }
  return std::nullopt;
}

}  // namespace gpuconv
