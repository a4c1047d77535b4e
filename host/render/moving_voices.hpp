// moving_voices.hpp - a source that moves, as voices of a scene
//
// Each step of the movement is a voice: the source through the response of one direction. From one
// step to the next the first voice fades out as the second fades in, both by a raised cosine, so
// that their gains add up to 1. The source is faded and not what is heard of it: sound that has
// left the source keeps the response of the moment at which it left. (What a head hears of a room
// while it turns so keeps the direction in which the head looked when the sound began.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/methods/voice.hpp"
#include "host/room/motion.hpp"
#include "host/room/response.hpp"

namespace gpuconv {

/// Voices whose source is number 0, and their responses, all of one length and latency.
struct MovingVoices {
  Motion motion;
  std::vector<Voice> voices;
  SceneResponses responses;
  int rate = 0;                ///< Hz, of the responses
  int latency_frames = 0;      ///< wet frames before time zero
  double direct_sound = 0;     ///< frames from time zero until it arrives, at the start
  int file_rate = 0;           ///< Hz, before conversion
  std::int64_t file_taps = 0;  ///< before conversion
  std::string description;
  std::vector<std::string> warnings;
  Repairs repairs;

  /// One of the responses, with what goes with its taps.
  Response response(std::size_t number) const;
};

/// Of the SOFA file `path`, for a source of `length` frames at `rate` Hz (kForever if that is not
/// known), which is number 0. Reads all measurements that the movement needs, so that errors come
/// first; makes a response when it is needed. Throws FileError, and UsageError if `path` is not a
/// SOFA file.
MovingVoices moving_voices(const std::string& path, const ResponseOptions& options,
                           const Motion& motion, std::int64_t length, int rate,
                           const StepLimits& limits = {});

}  // namespace gpuconv
