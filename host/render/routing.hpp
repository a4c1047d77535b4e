// routing.hpp - which channel of INPUT is heard through which channels of RESPONSE
//
//   pairs    C channels, 2 C responses: channel c through 2c-1 (left ear) and 2c (right ear). With
//            two channels that is true stereo, LL LR RL RR; with (n+1)^2 channels of ambisonics a
//            set of decoding filters.
//   hesuvi   loudspeakers by HeSuVi's files, as Impulcifer and PipeWire have them. 14 channels:
//            FL-L FL-R SL-L SL-R BL-L BL-R FC-L FR-R FR-L SR-R SR-L BR-R BR-L FC-R; or the first 7
//            of them, which the right side mirrors. LFE goes where FC goes, at its own level.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/signal.hpp"

namespace gpuconv {

/// Channels count from 1.
struct Route {
  int channel = 1;  ///< of INPUT
  int left = 1;     ///< of RESPONSE, for the left ear
  int right = 2;
  std::string name = {};  ///< of the loudspeaker: "FL"; or empty
  /// What --unit-energy did to both ears of it.
  std::optional<double> unit_energy_gain_db = std::nullopt;

  bool operator==(const Route&) const = default;
};

struct Routing {
  std::string name;  ///< "true stereo (LL LR RL RR)"
  std::vector<Route> routes;
  /// Channels that --routing leaves out.
  std::vector<int> input_not_heard = {}, response_not_heard = {};
};

enum class Layout {
  automatic,  ///< by the numbers of channels
  pairs,
  hesuvi
};

/// "1:1,2 2:3,4": channel 1 of INPUT through channels 1 and 2 of RESPONSE, and so on. Throws
/// UsageError.
Routing routing_in(const std::string& text);

/// Throws UsageError, which names what would fit, unless `layout` is one for so many channels of
/// INPUT (at least 2) and RESPONSE. `mask` names the loudspeakers of INPUT (see AudioFormat), or
/// is 0.
Routing routing_for(Layout layout, int channels, std::uint32_t mask, int response_channels);

/// The same, with what it leaves out of so many channels. Throws UsageError unless INPUT and
/// RESPONSE have all channels that are routed.
Routing checked_routing(Routing routing, int channels, int response_channels);

/// In words: "1 (FL) to 1,2; 2 (FR) to 9,8".
std::string words_of(const Routing& routing);

/// "channel 3 of INPUT; channels 5, 6 of RESPONSE", or empty.
std::string unheard_words(const Routing& routing);

/// The ears that hear the dry signal of a channel of INPUT, which has so many: both if no other
/// channel is heard, otherwise the left ear the first of two channels and loudspeakers on the left.
/// Throws UsageError where it is not known on which side a channel belongs.
Stereo<bool> dry_ears(const Routing& routing, const Route& route, int channels);

}  // namespace gpuconv
