// decay.hpp - how long a room rings, from one channel of its response
//
// Energy that is still to come, integrated backwards (Schroeder 1965; ISO 3382-1:2009, 5.3.3).
// Where the decay meets the noise is found after Lundeby, Vigran, Bietz and Vorländer
// ("Uncertainties of measurements in room acoustics", Acustica 81, 1995): the integral begins
// there, with what the same decay would bring after it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace gpuconv {

/// Seconds, for a decay of 60 dB.
struct Decay {
  std::optional<double> edt;  ///< by the first 10 dB
  std::optional<double> t20;  ///< from -5 to -25 dB
  std::optional<double> t30;  ///< from -5 to -35 dB

  double noise_db;      ///< below the loudest moment; -200 and less: none
  std::size_t end;      ///< sample where the decay meets the noise, or where the response ends
  double energy_after;  ///< what the decay would bring after that, a sum of squares
};

/// Of samples from the direct sound on. A number is missing where the noise is not 10 dB below the
/// range that it is read from, as ISO 3382-1 wants it. Nothing for what is too short or does not
/// decay.
std::optional<Decay> decay_of(std::span<const double> samples, double rate);

}  // namespace gpuconv
