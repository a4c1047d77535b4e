#include "host/read/sndfile_format.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "host/base/error.hpp"
#include "host/read/allowed_formats.hpp"
#include "host/read/container.hpp"

namespace gpuconv {
namespace {

struct Known {
  int code;
  const char* name;
};

// The allowed encodings by our names.
constexpr Known kEncodings[] = {
    {SF_FORMAT_PCM_U8, "8-bit PCM"},    {SF_FORMAT_PCM_S8, "8-bit PCM"},
    {SF_FORMAT_PCM_16, "16-bit PCM"},   {SF_FORMAT_PCM_24, "24-bit PCM"},
    {SF_FORMAT_PCM_32, "32-bit PCM"},   {SF_FORMAT_FLOAT, "32-bit float"},
    {SF_FORMAT_DOUBLE, "64-bit float"}, {SF_FORMAT_ULAW, "mu-law"},
    {SF_FORMAT_ALAW, "A-law"},          {SF_FORMAT_VORBIS, "Vorbis"},
    {SF_FORMAT_OPUS, "Opus"},
};

const char* encoding_name(int code) {
  const auto found = std::ranges::find(kEncodings, code, &Known::code);
  return found == std::end(kEncodings) ? nullptr : found->name;
}

/// libsndfile's own name of a container or an encoding that is not allowed.
std::string foreign_name(int code) {
  SF_FORMAT_INFO info{};
  info.format = code;
  const bool known = sf_command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof info) == 0;
  return known && info.name != nullptr ? info.name : fmt::format("format {:#x}", code);
}

/// Throws FileError unless the container or encoding is allowed: it has our `name`.
std::string checked_name(const std::string& path, const char* name, int code, Formats formats) {
  if (name != nullptr) return name;
  if (formats == Formats::any) return foreign_name(code);
  reject_format(path, "unsupported format " + foreign_name(code), true);
}

}  // namespace

void check_ranges(const std::string& path, const SF_INFO& info) {
  if (info.samplerate < kMinRate || info.samplerate > kMaxRate) {
    throw FileError(path, fmt::format("sample rate out of range ({} Hz, limit {}..{} Hz)",
                                      info.samplerate, kMinRate, kMaxRate));
  }
  if (info.channels < 1 || info.channels > kMaxChannels) {
    throw FileError(path, fmt::format("number of channels out of range ({}, limit 1..{})",
                                      info.channels, kMaxChannels));
  }
}

AudioFormat checked_format(const std::string& path, const SF_INFO& info, Formats formats,
                           const char* container) {
  check_ranges(path, info);
  AudioFormat format;
  format.rate = info.samplerate;
  format.channels = info.channels;
  const int type = info.format & SF_FORMAT_TYPEMASK;
  const int encoding = info.format & SF_FORMAT_SUBMASK;
  if (container == nullptr) container = container_name(type);
  format.container = checked_name(path, container, type, formats);
  format.encoding = checked_name(path, encoding_name(encoding), encoding, formats);
  // A FLAC from a pipe says 2^63 - 1, a WAV from one may say anything: both mean "up to the end".
  constexpr std::int64_t kMostFrames = std::int64_t{1} << 48;
  const bool known = info.seekable != 0 && info.frames >= 0 && info.frames < kMostFrames;
  format.frames = known ? info.frames : -1;
  return format;
}

SF_INFO raw_info(const RawFormat& raw) {
  SF_INFO info{};
  info.samplerate = raw.rate;
  info.channels = raw.channels;
  info.format = sndfile_code(raw);
  return info;
}

}  // namespace gpuconv
