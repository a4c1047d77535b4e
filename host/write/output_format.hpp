// output_format.hpp - in which kind of file the wet frames are kept
#pragma once

#include <optional>
#include <string>

#include "host/write/channels.hpp"

namespace gpuconv {

enum class Encoding { pcm, ieee_float, vorbis };

/// What the command line asked for; what it left open follows from the container.
struct OutputFormat {
  std::optional<Encoding> encoding;
  std::optional<int> bits;
  bool is_dithered = true;  ///< where there is reason to: PCM of 16 bits
  Channels channels = Channels::both;
};

enum class Container { wav, rf64, w64, caf, aiff, au, flac, ogg };

const char* name(Container container);

/// What is written: nothing left open.
struct FileFormat {
  Container container = Container::wav;
  Encoding encoding = Encoding::ieee_float;
  int bits = 32;
  bool is_dithered = false;
  int channels = 2;  ///< or 1

  /// Of a frame before it is compressed.
  int frame_bytes() const { return channels * bits / 8; }
};

/// "pcm", "float" or "vorbis".
const char* name(Encoding encoding);

/// "16-bit PCM, dithered", "32-bit float", "Vorbis, 1 channel".
std::string describe(const FileFormat& format);

/// The container follows from the extension. Where nothing is asked for: 32-bit float, or what is
/// best in a container without float (FLAC: 24 bits; Ogg: Vorbis). `asked.bits` of 16 or 24 alone
/// mean PCM, PCM alone means 24 bits. Throws UsageError, naming the choices, where this does not
/// fit.
FileFormat resolve_format(const std::string& path, const OutputFormat& asked);

/// The same for a pipe or a device, which has a name but no extension: always WAV.
FileFormat resolve_wav_format(const std::string& path, const OutputFormat& asked);

}  // namespace gpuconv
