// scene_request.hpp - the voices that a scene asks for
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/room/sofa/options.hpp"

namespace gpuconv {

struct VoiceRequest {
  std::string name;  ///< for messages: "voice 2 (talker.wav)"
  std::string id;    ///< of its stem, unlike all others: what the scene says, or its number

  std::string input;
  std::optional<int> channel;  ///< counted from 1; needed if there are several
  double start = 0;            ///< seconds after the scene begins
  double gain_db = 0;

  std::string response;
  SofaOptions sofa;        ///< what it says of the direction
  std::string trajectory;  ///< instead of one; "": the source rests
};

struct SceneRequest {
  std::string file;         ///< for messages and reports
  std::optional<int> rate;  ///< Hz; absent: that of the first voice
  std::vector<VoiceRequest> voices;
  bool has_stems = false;  ///< each voice is also written alone, beside OUTPUT
};

/// How loud a source is, or the two ears: full scale = 1.
struct SoundLevel {
  double peak = 0;
  double rms = 0;
};

}  // namespace gpuconv
