#include "host/read/allowed_formats.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "host/base/error.hpp"
#include "host/read/container.hpp"
#include "host/read/foreign.hpp"

namespace gpuconv {
namespace {

constexpr const char* kAllowedFormats =
    "WAV, RF64, BW64, W64, AIFF, CAF, AU, NIST SPHERE and FLAC with PCM, float, mu-law or A-law, "
    "MP3, Ogg Vorbis and Opus";

/// RIFF and FORM hold much else: samples of the Amiga (8SVX), MIDI, films.
void check_type(const std::string& path, const Peek& peek, const ContainerFormat& container) {
  constexpr std::string_view kRareTypes[] = {"8SVX", "16SV"};
  const auto head = peek(0, 12);
  if (head.size() < 12 || container.begins(head)) return;
  const std::string_view type = text(std::span(head).subspan(8));
  const bool is_rare = container.magic == "FORM" && std::ranges::count(kRareTypes, type) > 0;
  reject_format(path, fmt::format("unsupported type '{}' of {}", type, container.magic), is_rare);
}

void check_encoding(const std::string& path, const EncodingCodes& encodings,
                    const std::string& code) {
  if (code.empty() || std::ranges::count(encodings.allowed, code) > 0) return;
  const bool is_rare = std::ranges::count(encodings.rare, code) > 0;
  reject_format(path, fmt::format("unsupported encoding {} of {}", code, encodings.container),
                is_rare);
}

/// Names the format of the file if foreign.hpp recognises it.
[[noreturn]] void reject_unknown(const std::string& path, const Peek& peek) {
  if (const auto foreign = recognise(peek)) throw FileError(path, sentence(*foreign));
  throw FileError(path,
                  fmt::format("is not audio in a format that gpuconv recognises (supported: {})",
                              kAllowedFormats));
}

}  // namespace

void reject_format(const std::string& path, std::string problem, bool is_rare) {
  std::ranges::replace(problem, '\0', '?');  // the message would end there
  throw FileError(path, fmt::format("{} (supported: {}); {}", problem, kAllowedFormats,
                                    is_rare ? kTryAnyFormat : kConvertFirst));
}

void check_allowed(const std::string& path, const Peek& peek, std::int64_t file_bytes) {
  const ContainerFormat* const container = find_container(peek(0, 32));
  if (container == nullptr) reject_unknown(path, peek);
  const EncodingCodes* const encodings = container->encodings;
  if (encodings == nullptr) return;
  if (container->chunks == nullptr) {
    return check_encoding(path, *encodings, encodings->read(peek, 0, ByteOrder::big));
  }
  const ChunkLayout& layout = *container->chunks;
  if (layout.first == 12) check_type(path, peek, *container);  // after magic, size and type
  ChunkWalk chunks(peek, file_bytes, layout);
  bool has_format = false;
  while (const auto chunk = chunks.next()) {
    // The writer of a pipe may keep it open after the samples.
    if (file_bytes == kEndlessBytes && has_format && chunk->name == layout.samples) break;
    if (chunk->name != layout.format) continue;
    has_format = true;
    check_encoding(path, *encodings, encodings->read(peek, chunk->begin, layout.order));
  }
}

}  // namespace gpuconv
