// noise.hpp - noise is added to the wet sound, so that their powers have a given ratio
//
//   SNR = 10 log10(P_wet / P_noise),   P = mean of y^2 over all frames of OUTPUT and both ears
//
// as torchaudio.functional.add_noise() has it: over the whole file, the tail and pauses included.
// Both ears get the same factor. The powers are those of what the file holds: with one channel,
// those of this one.
#pragma once

#include <optional>
#include <string>

#include "host/read/input_tolerance.hpp"

namespace gpuconv {

struct Noise {
  std::string file;
  double snr_db = 0;
  /// Where in the file it begins. It goes on with the beginning after the end.
  double start_seconds = 0;
  /// Instead: a number in [0, 1), from which the start follows. It is so far between the first and
  /// the last start after which the noise does not end before the wet sound does; in a file that is
  /// shorter than the wet sound, so far between its begin and its end.
  std::optional<double> start_draw = std::nullopt;
};

struct NoiseReport {
  double start_seconds = 0;
  std::optional<double>
      gain_db;  ///< of the noise, for both ears; absent: the wet sound is silent, or not finite
  int file_rate = 0;  ///< Hz
  int channels = 0;
  bool is_looped = false;
  Repairs repairs = {};  ///< of the samples that were used
};

}  // namespace gpuconv
