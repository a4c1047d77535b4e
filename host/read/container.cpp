#include "host/read/container.hpp"

#include <fmt/core.h>
#include <sndfile.h>

#include <algorithm>

#include "host/read/flac_frames.hpp"
#include "host/read/sphere_header.hpp"
#include "host/read/wav_header.hpp"

namespace gpuconv {
namespace {

using Codes = std::string_view[];
using Bytes = std::span<const unsigned char>;

/// Up to `count` characters from `offset` on, in quotes; empty if the file ends before.
std::string quoted(const Peek& peek, std::int64_t offset, std::size_t count) {
  const auto bytes = peek(offset, count);
  if (bytes.size() < count) return "";
  return fmt::format("'{}'", std::string_view(reinterpret_cast<const char*>(bytes.data()), count));
}

std::string wav_code(const Peek& peek, std::int64_t begin, ByteOrder order) {
  const auto chunk = peek(begin, 26);
  if (chunk.size() < 2) return "";
  std::uint64_t tag = number(Bytes(chunk).first(2), order);
  if (tag == kWavExtensible) {
    if (chunk.size() < 26) return "";
    tag = number(Bytes(chunk).subspan(24, 2), order);  // the GUID begins with it
  }
  return fmt::format("{:#06x}", tag);
}

/// An AIFF holds PCM; an AIFC names its encoding after channels, frames, bits and rate.
std::string aiff_code(const Peek& peek, std::int64_t begin, ByteOrder) {
  return quoted(peek, 8, 4) == "'AIFC'" ? quoted(peek, begin + 18, 4) : "";
}

std::string caf_code(const Peek& peek, std::int64_t begin, ByteOrder) {
  return quoted(peek, begin + 8, 4);  // after the rate
}

std::string au_code(const Peek& peek, std::int64_t begin, ByteOrder order) {
  const auto code = peek(begin + 12, 4);
  return code.size() < 4 ? "" : fmt::format("{}", number(code, order));
}

/// The first packet of an Ogg names its encoding.
std::string ogg_code(const Peek& peek, std::int64_t begin, ByteOrder) {
  const auto segments = peek(begin + 26, 1);
  if (segments.empty()) return "";
  const std::string packet = quoted(peek, begin + 27 + segments[0], 8);
  if (packet.starts_with("'\x01vorbis")) return "Vorbis";
  if (packet == "'OpusHead'") return "Opus";
  return packet.starts_with(
             "'\x7f"
             "FLAC")
             ? "FLAC"
             : packet;
}

constexpr Codes kWav{"0x0001", "0x0003", "0x0006", "0x0007"};  // PCM, float, A-law, mu-law
constexpr Codes kRareWav{"0x0002", "0x0011", "0x0031", "0x0038", "0x0040"};
constexpr Codes kAifc{"'NONE'", "'twos'", "'sowt'", "'raw '", "'in24'", "'42n1'",
                      "'in32'", "'23ni'", "'fl32'", "'FL32'", "'fl64'", "'FL64'",
                      "'ulaw'", "'ULAW'", "'alaw'", "'ALAW'", "'ni24'", "'ni32'"};
constexpr Codes kRareAifc{"'ima4'", "'GSM '", "'agsm'", "'DWVW'"};
constexpr Codes kCaf{"'lpcm'", "'ulaw'", "'alaw'"};
constexpr Codes kRareCaf{"'alac'"};
constexpr Codes kAu{"1", "2", "3", "4", "5", "6", "7", "27"};
constexpr Codes kRareAu{"23", "25", "26"};
constexpr Codes kOgg{"Vorbis", "Opus"};
constexpr Codes kRareOgg{"FLAC"};

constexpr EncodingCodes kWavCodes{"WAV", wav_code, kWav, kRareWav};
constexpr EncodingCodes kAiffCodes{"AIFF", aiff_code, kAifc, kRareAifc};
constexpr EncodingCodes kCafCodes{"CAF", caf_code, kCaf, kRareCaf};
constexpr EncodingCodes kAuCodes{"AU", au_code, kAu, kRareAu};
constexpr EncodingCodes kOggCodes{"Ogg", ogg_code, kOgg, kRareOgg};

constexpr ChunkLayout kRiff{12, 4, 4, ByteOrder::little, false, 2, "data", "fmt "};
constexpr ChunkLayout kRf64{12, 4, 4, ByteOrder::little, false, 2, "data", "fmt ", true};
constexpr ChunkLayout kRifx{12, 4, 4, ByteOrder::big, false, 2, "data", "fmt "};
constexpr ChunkLayout kForm{12, 4, 4, ByteOrder::big, false, 2, "SSND", "COMM"};
constexpr ChunkLayout kW64{40, 16, 8, ByteOrder::little, true, 8, "data", "fmt "};
constexpr ChunkLayout kCaff{8, 4, 8, ByteOrder::big, false, 1, "data", "desc", false, true};

// Whether 16 bytes that begin with the magic begin a recording.
std::uint64_t second_word(Bytes head) { return number(head.subspan(4, 4), ByteOrder::big); }
bool begins_wave(Bytes head) { return text(head.subspan(8)) == "WAVE"; }
bool begins_aiff(Bytes head) {
  return text(head.subspan(8)) == "AIFF" || text(head.subspan(8)) == "AIFC";
}
bool begins_w64(Bytes head) { return second_word(head) == 0x2e91cf11; }     // of a GUID
bool begins_caf(Bytes head) { return second_word(head) == 0x10000; }        // version 1
bool begins_ogg(Bytes head) { return head[4] == 0 && (head[5] & 2) != 0; }  // the first page
bool begins_au(Bytes head) {
  const std::uint64_t encoding = number(head.subspan(12, 4), ByteOrder::big);
  return encoding >= 1 && encoding <= 27;
}
bool begins_sphere(Bytes) { return true; }

/// An AU has no chunks: offset and size of the samples stand in its first 12 bytes.
std::optional<Samples> find_au_samples(const Peek& peek, std::int64_t file_bytes) {
  const auto head = peek(0, 12);
  if (head.size() < 12) return std::nullopt;
  const auto begin = static_cast<std::int64_t>(number(Bytes(head).subspan(4, 4), ByteOrder::big));
  const std::uint64_t size = number(Bytes(head).subspan(8, 4), ByteOrder::big);
  if (begin > file_bytes) return std::nullopt;
  // Libsndfile knows -1, whatever follows.
  if (size == 0xffffffff) return Samples{begin, UINT64_MAX, 8, false};
  return Samples{begin, size, 4, false};
}

using Kind = IntegrityCheck::Kind;

constexpr ContainerFormat kContainers[] = {
    {"RIFF", "WAV", SF_FORMAT_WAV, &kWavCodes, &kRiff, begins_wave, find_wav},
    {"RF64", "RF64", SF_FORMAT_RF64, &kWavCodes, &kRf64, begins_wave, find_wav},
    {"BW64", "BW64", SF_FORMAT_RF64, &kWavCodes, &kRf64, begins_wave, find_wav},
    {"RIFX", "WAV", SF_FORMAT_WAV, &kWavCodes, &kRifx, begins_wave},
    {"riff", "W64", SF_FORMAT_W64, &kWavCodes, &kW64, begins_w64, find_wav},
    {"FORM", "AIFF", SF_FORMAT_AIFF, &kAiffCodes, &kForm, begins_aiff},
    {"caff", "CAF", SF_FORMAT_CAF, &kCafCodes, &kCaff, begins_caf},
    {".snd", "AU", SF_FORMAT_AU, &kAuCodes, nullptr, begins_au, nullptr, find_au_samples},
    {kSphereMagic, "NIST SPHERE", SF_FORMAT_NIST, nullptr, nullptr, begins_sphere, find_sphere},
    {kFlacMagic, "FLAC", SF_FORMAT_FLAC, nullptr, nullptr, begins_flac, nullptr, nullptr,
     Kind::flac},
    {"OggS", "Ogg", SF_FORMAT_OGG, &kOggCodes, nullptr, begins_ogg, nullptr, nullptr, Kind::ogg},
};

}  // namespace

const ContainerFormat* find_container(std::span<const unsigned char> head) {
  const std::string_view first(reinterpret_cast<const char*>(head.data()), head.size());
  const auto found = std::ranges::find_if(
      kContainers, [&](const ContainerFormat& row) { return first.starts_with(row.magic); });
  return found == std::end(kContainers) ? nullptr : found;
}

const char* container_name(int sndfile_code) {
  if (sndfile_code == SF_FORMAT_WAVEX) return "WAVEX";
  const auto found = std::ranges::find(kContainers, sndfile_code, &ContainerFormat::sndfile_code);
  return found == std::end(kContainers) ? nullptr : found->name;
}

bool begins_recording(std::span<const unsigned char> head) {
  const ContainerFormat* const container = find_container(head);
  return container != nullptr && head.size() >= 16 && container->begins(head);
}

std::optional<Samples> find_samples(const ContainerFormat& container, const Peek& peek,
                                    std::int64_t file_bytes) {
  if (container.find_samples != nullptr) return container.find_samples(peek, file_bytes);
  if (container.chunks == nullptr) return std::nullopt;
  ChunkWalk chunks(peek, file_bytes, *container.chunks);
  bool has_format = false;
  while (const auto chunk = chunks.next()) {
    has_format |= chunk->name == container.chunks->format;
    if (chunk->name != container.chunks->samples) continue;
    return Samples{chunk->begin, chunk->size, chunk->size_bytes, has_format};
  }
  return std::nullopt;
}

// What writers put where the size belongs when they cannot seek back to fill it in: whole frames
// up to 0x7ffff000 (SoX; of AIFF up to 0x7f000000 and 8 bytes more), about 2^31 - 1 (arecord),
// about 2^32 - 1 (FFmpeg), -1 (CAF).
bool means_streamed(std::uint64_t size, std::size_t size_bytes) {
  if (size_bytes == 8) return size >= std::uint64_t{1} << 62;
  constexpr std::uint64_t kMostFrame = 0x2000;  // bytes of a frame
  const auto is_below = [&](std::uint64_t most) {
    return size <= most && size > most - kMostFrame;
  };
  return is_below(0x7ffff000) || is_below(0x7f000008) ||
         (size >= 0x7fffff00 && size <= 0x80000000) || size >= 0xffffff00;
}

std::optional<Mismatch> find_mismatch(const Samples& samples, std::int64_t file_bytes) {
  const auto promised = static_cast<std::int64_t>(samples.size);
  const std::int64_t present = file_bytes - samples.begin;
  const bool has_32_bits = samples.size_bytes == 4;
  const bool is_wrong = means_streamed(samples.size, samples.size_bytes)
                            ? has_32_bits && present > promised
                            : promised > present || (promised == 0 && present > 0) ||
                                  (has_32_bits && present - promised >= kWrap);
  return is_wrong ? std::optional(Mismatch{promised, present}) : std::nullopt;
}

}  // namespace gpuconv
