#include "host/read/allowed_formats.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "host/base/error.hpp"
#include "host/read/chunks.hpp"
#include "host/read/foreign.hpp"
#include "host/read/sphere_header.hpp"

namespace gpuconv {
namespace {

constexpr const char* kListedFormats =
    "WAV, RF64, BW64, W64, AIFF, CAF, AU, NIST SPHERE and FLAC with PCM, float, mu-law or A-law, "
    "MP3, Ogg Vorbis and Opus";

// Encodings by the numbers and names that the containers have for them.
constexpr std::array<std::uint64_t, 4> kWavFormats{1, 3, 6, 7};  // PCM, float, A-law, mu-law
constexpr std::uint64_t kExtensible = 0xfffe;  // the GUID in the extension begins with the number
constexpr std::array<std::string_view, 18> kAifcTypes{
    "NONE", "twos", "sowt", "raw ", "in24", "42n1", "in32", "23ni", "fl32",
    "FL32", "fl64", "FL64", "ulaw", "ULAW", "alaw", "ALAW", "ni24", "ni32"};
constexpr std::array<std::string_view, 3> kCafTypes{"lpcm", "ulaw", "alaw"};
constexpr std::array<std::uint64_t, 8> kAuEncodings{1, 2, 3, 4, 5, 6, 7, 27};

// Those that are not let in, but that libsndfile reads.
constexpr std::array<std::uint64_t, 5> kRareWavFormats{2, 0x11, 0x31, 0x38, 0x40};
constexpr std::array<std::string_view, 4> kRareAifcTypes{"ima4", "GSM ", "agsm", "DWVW"};
constexpr std::array<std::string_view, 1> kRareCafTypes{"alac"};
constexpr std::array<std::uint64_t, 3> kRareAuEncodings{23, 25, 26};

template <typename Known, typename Code>
bool contains(const Known& known, const Code& code) {
  return std::ranges::find(known, code) != known.end();
}

/// `is_rare`: libsndfile reads it.
[[noreturn]] void refuse_encoding(const std::string& path, std::string encoding, bool is_rare) {
  std::ranges::replace(encoding, '\0', '?');  // at which the message would end
  refuse_format(path, fmt::format("encoding {} is not read here", encoding), is_rare);
}

void check_wav(const std::string& path, const Peek& peek, const Chunk& chunk, ByteOrder order) {
  const auto fmt_chunk = peek(chunk.begin, 26);
  if (fmt_chunk.size() < 2) return;
  std::uint64_t format = number(std::span(fmt_chunk).first(2), order);
  if (format == kExtensible) {
    if (fmt_chunk.size() < 26) return;
    format = number(std::span(fmt_chunk).subspan(24, 2), order);
  }
  if (contains(kWavFormats, format)) return;
  refuse_encoding(path, fmt::format("{:#06x} of WAV", format), contains(kRareWavFormats, format));
}

/// A name of four characters at `offset`; "" at the end of the file.
std::string four(const Peek& peek, std::int64_t offset) {
  const auto bytes = peek(offset, 4);
  return bytes.size() == 4 ? std::string(text(bytes)) : "";
}

void check_name(const std::string& path, const std::string& name, const auto& known,
                const auto& rare, std::string_view container) {
  if (name.empty() || contains(known, name)) return;
  refuse_encoding(path, fmt::format("'{}' of {}", name, container), contains(rare, name));
}

void check_chunks(const std::string& path, const Peek& peek, std::int64_t file_bytes,
                  const ChunkLayout& layout) {
  constexpr std::int64_t kAifcType = 18;  // after channels, frames, bits and rate
  constexpr std::int64_t kCafType = 8;    // after the rate
  const bool is_iff = layout.magic == "FORM";
  const bool has_form = layout.first == 12;  // after magic and size
  const std::string form = has_form ? four(peek, 8) : "";
  // Both hold much else: samples of the Amiga (8SVX), MIDI, films.
  const bool is_known = is_iff ? form == "AIFF" || form == "AIFC" : form == "WAVE";
  if (!form.empty() && !is_known) {
    constexpr std::array<std::string_view, 2> kRareForms{"8SVX", "16SV"};
    refuse_format(path, fmt::format("{} of type '{}' is not read here", layout.magic, form),
                  is_iff && contains(kRareForms, form));
  }
  ChunkWalk chunks(peek, file_bytes, layout);
  bool has_format = false;
  while (const auto chunk = chunks.next()) {
    has_format |= chunk->name == layout.format;
    // Whoever has written the samples to a pipe may keep it open.
    if (file_bytes == kEndlessBytes && has_format && chunk->name == layout.samples) break;
    if (chunk->name == "fmt ") check_wav(path, peek, *chunk, layout.order);
    if (chunk->name == "COMM" && form == "AIFC") {
      check_name(path, four(peek, chunk->begin + kAifcType), kAifcTypes, kRareAifcTypes, "AIFF");
    }
    if (chunk->name == "desc") {
      check_name(path, four(peek, chunk->begin + kCafType), kCafTypes, kRareCafTypes, "CAF");
    }
  }
}

void check_au(const std::string& path, std::span<const unsigned char> head) {
  if (head.size() < 16) return;
  const std::uint64_t encoding = number(head.subspan(12, 4), ByteOrder::big);
  if (contains(kAuEncodings, encoding)) return;
  refuse_encoding(path, fmt::format("{} of AU", encoding), contains(kRareAuEncodings, encoding));
}

/// The first packet of an Ogg stream names its encoding.
void check_ogg(const std::string& path, const Peek& peek, std::span<const unsigned char> head) {
  constexpr std::size_t kSegments = 26;  // how many lengths follow, of one byte each
  if (head.size() <= kSegments) return;
  const auto packet = peek(static_cast<std::int64_t>(kSegments + 1 + head[kSegments]), 8);
  const std::string_view name(reinterpret_cast<const char*>(packet.data()), packet.size());
  if (name.size() < 8 || name.starts_with("\x01vorbis") || name == "OpusHead") return;
  refuse_encoding(path, "of this Ogg file",
                  name.starts_with("\x7f"
                                   "FLAC"));
}

/// Says what it is, where foreign.hpp knows it.
[[noreturn]] void refuse_unknown(const std::string& path, const Peek& peek) {
  if (const auto foreign = recognise(peek)) throw FileError(path, sentence(*foreign));
  throw FileError(path,
                  fmt::format("is not audio in a format that gpuconv recognises ({} are read)",
                              kListedFormats));
}

}  // namespace

void refuse_format(const std::string& path, const std::string& what, bool is_rare) {
  throw FileError(path, fmt::format("{} ({} are); {}", what, kListedFormats,
                                    is_rare ? kTryAnyFormat : kConvertFirst));
}

void check_listed(const std::string& path, const Peek& peek, std::int64_t file_bytes) {
  const auto head = peek(0, 32);
  const std::string_view magic = text(head);
  if (const ChunkLayout* const layout = find_layout(head)) {
    check_chunks(path, peek, file_bytes, *layout);
  } else if (magic == ".snd") {
    check_au(path, head);
  } else if (magic == "OggS") {
    check_ogg(path, peek, head);
  } else if (magic != "fLaC" && !is_sphere(head)) {
    refuse_unknown(path, peek);
  }
}

}  // namespace gpuconv
