#include "host/write/output_format.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

struct Extension {
  std::string_view text;
  Container container;
};

constexpr Extension kExtensions[] = {
    {".wav", Container::wav},  {".wave", Container::wav}, {".rf64", Container::rf64},
    {".w64", Container::w64},  {".caf", Container::caf},  {".aiff", Container::aiff},
    {".aif", Container::aiff}, {".au", Container::au},    {".flac", Container::flac},
    {".ogg", Container::ogg},
};

Container container_of(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = std::ranges::find(kExtensions, extension, &Extension::text);
  if (found != std::end(kExtensions)) return found->container;
  std::error_code error;  // opening it says what is wrong
  if (std::filesystem::is_directory(path, error)) {
    throw UsageError(path + ": is a folder; the name of a file is needed");
  }
  std::string known;
  for (const Extension& each : kExtensions) known += fmt::format(" {}", each.text);
  throw UsageError(fmt::format("{}: unknown extension '{}' (known:{})", path, extension, known));
}

FileFormat resolve(const std::string& path, const OutputFormat& asked, Container container) {
  const bool given = asked.encoding || asked.bits;
  if (container == Container::ogg) {
    if (given)
      throw UsageError(path + ": Ogg is written as Vorbis; --bits and --encoding do not fit");
    return {container, Encoding::vorbis, 32, false, count(asked.channels)};
  }
  const bool has_float = container != Container::flac;
  FileFormat format{container, has_float ? Encoding::ieee_float : Encoding::pcm, 0};
  if (asked.bits && *asked.bits != 32) format.encoding = Encoding::pcm;
  if (asked.encoding) format.encoding = *asked.encoding;
  format.bits = asked.bits.value_or(format.encoding == Encoding::pcm ? 24 : 32);

  if (format.bits != 16 && format.bits != 24 && format.bits != 32) {
    throw UsageError(fmt::format("{}: --bits {} (16, 24 or 32)", path, format.bits));
  }
  if (format.encoding == Encoding::ieee_float && format.bits != 32) {
    throw UsageError(
        fmt::format("{}: {}-bit float does not exist (float has 32 bits)", path, format.bits));
  }
  if (!has_float && (format.encoding == Encoding::ieee_float || format.bits > 24)) {
    throw UsageError(fmt::format("{}: {} holds 16- or 24-bit PCM, not {}-bit {}", path,
                                 name(container), format.bits,
                                 format.encoding == Encoding::pcm ? "PCM" : "float"));
  }
  format.channels = count(asked.channels);
  format.is_dithered = asked.is_dithered && format.encoding == Encoding::pcm && format.bits <= 16;
  return format;
}

}  // namespace

const char* name(Container container) {
  switch (container) {
    case Container::wav:
      return "WAV";
    case Container::rf64:
      return "RF64";
    case Container::w64:
      return "W64";
    case Container::caf:
      return "CAF";
    case Container::aiff:
      return "AIFF";
    case Container::au:
      return "AU";
    case Container::flac:
      return "FLAC";
    case Container::ogg:
      return "Ogg";
  }
  return "";
}

const char* name(Encoding encoding) {
  switch (encoding) {
    case Encoding::pcm:
      return "pcm";
    case Encoding::ieee_float:
      return "float";
    case Encoding::vorbis:
      return "vorbis";
  }
  return "";
}

std::string describe(const FileFormat& format) {
  const char* const channels = format.channels == 1 ? ", 1 channel" : "";
  if (format.encoding == Encoding::vorbis) return std::string("Vorbis") + channels;
  return fmt::format("{}-bit {}{}{}", format.bits,
                     format.encoding == Encoding::pcm ? "PCM" : "float",
                     format.is_dithered ? ", dithered" : "", channels);
}

FileFormat resolve_format(const std::string& path, const OutputFormat& asked) {
  return resolve(path, asked, container_of(path));
}

FileFormat resolve_wav_format(const std::string& path, const OutputFormat& asked) {
  return resolve(path, asked, Container::wav);
}

}  // namespace gpuconv
