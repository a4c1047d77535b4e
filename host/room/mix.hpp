// prepare.hpp - gain, mix and delay become part of the response
//
// Convolution is linear, so what is asked of the wet signal is done to the response once: level and
// time stay the same for both ears by construction, and the methods know nothing of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/room/response.hpp"

namespace gpuconv {

struct Mix {
  double gain_db = 0;            ///< of everything
  double wet_db = 0;             ///< of the convolved signal
  std::optional<double> dry_db;  ///< of the source itself, equally to both ears; absent: none
  std::int64_t predelay = 0;     ///< samples of silence before the response; not of the dry signal
};

/// The response whose convolution with the source is the mix.
Response mixed(Response response, const Mix& mix);

/// "20ms", "0.5s" or "320smp" in samples at `rate`, to the nearest. Throws UsageError, which names
/// `option`.
std::int64_t parse_duration(const std::string& text, int rate, const std::string& option);

}  // namespace gpuconv
