// acoustics.hpp - what a response says of its room and of where the source stands
//
// After ISO 3382-1:2009: decay times (5.3), clarity C50 and C80 and definition D50 (A.2.3, split
// before the band is taken, as A.3.4 advises, so that the filter's ringing does not count as late),
// interaural cross-correlation (annex B). Energy is late until the decay meets the noise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/room/decay.hpp"
#include "host/room/response.hpp"

namespace gpuconv {

/// Of one ear in one band. What cannot be told is missing: of a response that ends too early, or
/// whose noise is too loud.
struct EarAcoustics {
  std::optional<Decay> decay;
  std::optional<double> c50_db, c80_db;
  std::optional<double> d50;  ///< a share, 0 to 1
};

struct BandAcoustics {
  double middle_hz = 0;  ///< of an octave; 0: everything
  Stereo<EarAcoustics> ears;
  std::optional<double> ild_db;  ///< energy of the left ear over that of the right one
  /// Largest |correlation| of the ears within 1 ms: over 1 s, the first 80 ms, and what follows.
  std::optional<double> iacc, iacc_early, iacc_late;
};

struct Acoustics {
  /// Seconds after time zero: first sample within 20 dB of the ear's maximum; missing: silence.
  Stereo<std::optional<double>> onset;
  /// Seconds by which the right ear hears later: where the correlation of the first 80 ms, all
  /// frequencies, is largest within 1 ms.
  std::optional<double> itd;
  /// Energy until 2.5 ms after the onset over all later energy (Zahorik 2002).
  Stereo<std::optional<double>> direct_to_reverberant_db;
  std::vector<BandAcoustics> bands;  ///< everything, then octaves
};

Acoustics acoustics_of(const Response& response);

/// As lines of a table, and as a JSON object.
std::vector<std::string> lines_of(const Acoustics& acoustics);
std::string json_of(const Acoustics& acoustics);

}  // namespace gpuconv
