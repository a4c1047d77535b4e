// voice.hpp - a scene is a list of voices, each a source with a response, summed into two ears
//
//   y_e[n] = sum_v sum_k h_{v,e}[k] g_v[n-k] x_v[n-k]
//
//   x_v  source of voice v, in the time of the scene: zero before its start and after its end
//   h_v  response of voice v, K_v taps for each ear
//   g_v  1 from `begin` to `end`, with ramps at both ends where asked for; 0 elsewhere
//
// A moving source is several voices with the same source: where one fades out, the next one fades
// in, and their gains add up to 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>

#include "host/base/signal.hpp"

namespace gpuconv {

inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max() / 4;

/// What is heard of one source through one response. Times are frames of the scene.
struct Voice {
  std::size_t source = 0;       ///< which of the sources
  std::size_t response = 0;     ///< which of the responses
  std::int64_t begin = 0;       ///< the first frame that is heard
  std::int64_t end = kForever;  ///< after the last one
  int fade_in = 0;              ///< frames of ramp from `begin` on
  int fade_out = 0;             ///< frames of ramp up to `end`; the ramps do not overlap
};

/// Whether all of the source is heard.
bool is_whole(const Voice& voice);

/// g_v[n]. A ramp of F frames is a raised cosine, whose value in frame i is
/// (1 - cos(pi (i + 1/2) / F)) / 2 on the way in and 1 minus that on the way out.
double gain_of(const Voice& voice, std::int64_t n);

/// The responses of a scene, made when they are first needed: those of a source that moves are many
/// and each is heard for a short time.
struct SceneResponses {
  std::size_t count = 0;
  std::int64_t longest = 0;  ///< K, taps of the longest
  /// The taps of one, 1 to K for each ear, as many for both. One thread at a time calls it.
  std::function<std::shared_ptr<const Stereo<Signal>>(std::size_t response)> load;
};

/// A source and where it begins in the scene.
struct SceneSource {
  ReadSource read;
  std::int64_t start = 0;  ///< frames of silence before it, at least 0
};

/// Throw std::invalid_argument unless every voice has a response and a source of those, and ramps
/// that do not overlap.
void check_voices(std::span<const Voice> voices, std::size_t responses);
void check_sources(std::span<const Voice> voices, std::size_t sources);

}  // namespace gpuconv
