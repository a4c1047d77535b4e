#include "host/read/sndfile_format.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "host/base/error.hpp"
#include "host/read/allowed_formats.hpp"

namespace gpuconv {
namespace {

struct Known {
  int code;
  const char* name;
};

// Our names for what allowed_formats.hpp lets in.
constexpr Known kContainers[] = {
    {SF_FORMAT_WAV, "WAV"}, {SF_FORMAT_WAVEX, "WAVEX"}, {SF_FORMAT_RF64, "RF64"},
    {SF_FORMAT_W64, "W64"}, {SF_FORMAT_AIFF, "AIFF"},   {SF_FORMAT_CAF, "CAF"},
    {SF_FORMAT_AU, "AU"},   {SF_FORMAT_FLAC, "FLAC"},   {SF_FORMAT_OGG, "Ogg"},
};
constexpr Known kEncodings[] = {
    {SF_FORMAT_PCM_U8, "8-bit PCM"},    {SF_FORMAT_PCM_S8, "8-bit PCM"},
    {SF_FORMAT_PCM_16, "16-bit PCM"},   {SF_FORMAT_PCM_24, "24-bit PCM"},
    {SF_FORMAT_PCM_32, "32-bit PCM"},   {SF_FORMAT_FLOAT, "32-bit float"},
    {SF_FORMAT_DOUBLE, "64-bit float"}, {SF_FORMAT_ULAW, "mu-law"},
    {SF_FORMAT_ALAW, "A-law"},          {SF_FORMAT_VORBIS, "Vorbis"},
    {SF_FORMAT_OPUS, "Opus"},
};

const char* find_name(std::span<const Known> known, int code) {
  const auto found = std::ranges::find(known, code, &Known::code);
  return found == known.end() ? nullptr : found->name;
}

/// libsndfile's own name of a container or an encoding that is not listed.
std::string foreign_name(int code) {
  SF_FORMAT_INFO info{};
  info.format = code;
  const bool known = sf_command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof info) == 0;
  return known && info.name != nullptr ? info.name : fmt::format("format {:#x}", code);
}

/// Libsndfile may see more in a header than we do.
std::string name_of(const std::string& path, std::span<const Known> known, int code,
                    Formats formats) {
  if (const char* const name = find_name(known, code)) return name;
  if (formats == Formats::any) return foreign_name(code);
  refuse_format(path, foreign_name(code) + " is not read here", true);
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
  format.container = container != nullptr
                         ? container
                         : name_of(path, kContainers, info.format & SF_FORMAT_TYPEMASK, formats);
  format.encoding = name_of(path, kEncodings, info.format & SF_FORMAT_SUBMASK, formats);
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
