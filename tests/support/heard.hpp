// heard.hpp - what a file holds, and how loud it is, in double
#pragma once

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "host/read/audio_file.hpp"

namespace gpuconv::test {

struct Heard {
  int channels;
  int rate;
  std::vector<std::vector<float>> samples;  ///< of each channel
};

inline Heard heard(const std::string& path) {
  AudioReader reader(path);
  Heard sound{reader.format().channels, reader.format().rate, {}};
  const auto channels = static_cast<std::size_t>(sound.channels);
  sound.samples.resize(channels);
  std::vector<float> frames(1024 * channels);
  while (const std::size_t got = reader.read(frames)) {
    for (std::size_t n = 0; n < got * channels; ++n) {
      sound.samples[n % channels].push_back(frames[n]);
    }
  }
  return sound;
}

inline double rms_db(const Heard& sound) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& channel : sound.samples) {
    for (const float y : channel) sum += double{y} * double{y};
    count += channel.size();
  }
  return 10 * std::log10(sum / static_cast<double>(count));
}

inline double peak_db(const Heard& sound) {
  double peak = 0;
  for (const auto& channel : sound.samples) {
    for (const float y : channel) peak = std::max(peak, std::abs(double{y}));
  }
  return 20 * std::log10(peak);
}

inline double lufs(const Heard& sound) {
  ebur128_state* state = ebur128_init(static_cast<unsigned>(sound.channels),
                                      static_cast<unsigned long>(sound.rate), EBUR128_MODE_I);
  for (std::size_t n = 0; n < sound.samples[0].size(); ++n) {
    std::vector<float> frame;
    for (const auto& channel : sound.samples) frame.push_back(channel[n]);
    ebur128_add_frames_float(state, frame.data(), 1);
  }
  double level = 0;
  ebur128_loudness_global(state, &level);
  ebur128_destroy(&state);
  return level;
}

}  // namespace gpuconv::test
