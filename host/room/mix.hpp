// mix.hpp - gain, mix and delay become part of the response
//
// Convolution is linear, so gpuconv applies them to the response once. Both ears always get the
// same level and time, and the methods know nothing of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/room/response.hpp"

namespace gpuconv {

struct Mix {
  double gain_db = 0;                           ///< of everything
  double wet_db = 0;                            ///< of the convolved signal
  std::optional<double> dry_db = std::nullopt;  ///< of the source itself; absent: none
  Stereo<bool> hears_dry{true, true};           ///< each ear
  std::string predelay = "0s";  ///< silence before the response, but not before the dry signal
  /// Scales the response by unit_energy_factor() first.
  bool has_unit_energy = false;
};

/// The factor for both ears after which their mean energy, (sum h_left^2 + sum h_right^2) / 2, is
/// 1: white noise keeps its power, as the mean of both ears. Of silence it is 1.
double unit_energy_factor(const Response& response);

/// The response whose convolution with the source is the mix. Throws UsageError for a predelay
/// that parse_duration() rejects.
Response mixed(Response response, const Mix& mix);

/// Converts "20ms", "0.5s" or "320smp" to samples at `rate`, rounded to the nearest. Throws
/// UsageError, which names `option`.
std::int64_t parse_duration(const std::string& text, int rate, const std::string& option);

}  // namespace gpuconv
