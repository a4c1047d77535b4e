// motion.hpp - where the head sees a source that moves, and in which steps
//
// A source that moves is heard through one response after the other: each belongs to a moment, and
// from one moment to the next the one fades out as the next fades in.
#pragma once

#include <optional>
#include <vector>

#include "host/room/sofa/direction.hpp"
#include "host/room/track.hpp"

namespace gpuconv {

/// What is seen, by the head.
struct Seen {
  Direction direction;
  double distance = 0;  ///< metres
};

struct Motion {
  Seen rest;                    ///< where the source is without a track of its own
  std::optional<Track> source;  ///< in the room; distances count only if the track has them
  std::optional<Track> head;

  Seen at(double seconds) const;
};

/// At `seconds` the source is there; until `until` it stays.
struct Step {
  double seconds = 0;
  double until = 0;  ///< infinity for the last one
  Seen seen;
};

struct StepLimits {
  /// Between two steps. At 2 degrees the ears' delays change by 9 us each at most, so that a
  /// cross-fade half-way lowers 10 kHz by 0.35 dB.
  double degrees = 2;
  /// Between two steps, at least: of a source that jumps, or goes round twice a second.
  double seconds = 0.01;
};

/// The steps from time 0 on, up to the first one that is not before `end` seconds. A source or a
/// head that rests for 0.1 s or more makes one long step. A tenth more or less of the distance
/// counts as 2 degrees.
std::vector<Step> steps_of(const Motion& motion, double end, const StepLimits& limits = {});

}  // namespace gpuconv
