// audio_format.hpp - what a recording is: rate, channels, length and how it is encoded
#pragma once

#include <cstdint>
#include <string>

namespace gpuconv {

inline constexpr int kMinRate = 1;
inline constexpr int kMaxRate = 768'000;
inline constexpr int kMaxChannels = 1024;

struct AudioFormat {
  int rate = 0;  ///< Hz
  int channels = 0;
  /// Loudspeakers of the channels, as WAVE_FORMAT_EXTENSIBLE has them: bit 0 front left, ...
  /// 0: the file does not say.
  std::uint32_t channel_mask = 0;
  std::int64_t frames = -1;  ///< -1: not known before the end
  std::string container;     ///< "WAV", "FLAC", ...
  std::string encoding;      ///< "16-bit PCM", "32-bit float", ...
};

}  // namespace gpuconv
