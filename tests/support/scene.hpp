// scene.hpp - small scenes, and what two ears hear of them by the definition
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "host/methods/voice.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {

struct Scene {
  std::vector<Signal> sources;
  std::vector<std::int64_t> starts;  ///< of each source
  std::vector<Stereo<Signal>> responses;
  std::vector<Voice> voices;

  /// N: until the latest source ends.
  std::int64_t length() const {
    std::int64_t latest = 0;
    for (std::size_t s = 0; s < sources.size(); ++s) {
      if (!sources[s].empty()) latest = std::max(latest, starts[s] + std::ssize(sources[s]));
    }
    return latest;
  }
  std::int64_t longest_response() const {
    std::size_t K = 0;
    for (const Stereo<Signal>& one : responses) K = std::max(K, one.left.size());
    return static_cast<std::int64_t>(K);
  }
  SceneResponses made_responses() const {
    return {responses.size(), longest_response(), [this](std::size_t i) {
              return std::make_shared<const Stereo<Signal>>(responses.at(i));
            }};
  }
};

/// A source that goes through `steps` responses, each faded into the next one by `ramp` frames.
inline Scene moving_scene(Signal source, std::int64_t start, int steps, int ramp,
                          const std::function<Stereo<Signal>(std::uint64_t seed)>& response) {
  const std::int64_t step = std::ssize(source) / steps;
  Scene scene{{std::move(source)}, {start}, {}, {}};
  for (int i = 0; i < steps; ++i) {
    scene.responses.push_back(response(10 * static_cast<std::uint64_t>(i) + 2));
    Voice voice{0, static_cast<std::size_t>(i)};
    if (i > 0) {
      voice.begin = i * step;
      voice.fade_in = ramp;
    }
    if (i + 1 < steps) {
      voice.end = (i + 1) * step + ramp;
      voice.fade_out = ramp;
    }
    scene.voices.push_back(voice);
  }
  return scene;
}

/// Reads a signal as a file would be read: at its end fewer samples come, and then no more.
inline ReadSource reader_of(const Signal& source) {
  return [&source, used = std::size_t{0}](std::span<float> block) mutable {
    std::fill(block.begin(), block.end(), std::nanf(""));  // only what is read may be used
    const std::size_t count = std::min(block.size(), source.size() - used);
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(used), count, block.begin());
    used += count;
    return count;
  };
}

inline std::vector<SceneSource> readers_of(const Scene& scene) {
  std::vector<SceneSource> sources;
  for (std::size_t s = 0; s < scene.sources.size(); ++s) {
    sources.push_back({reader_of(scene.sources[s]), scene.starts[s]});
  }
  return sources;
}

/// One ear of a scene, with the norms of its voices added up: source_norm is sum_v ||g_v x_v||
/// ||h_v||, and response_norm 1.
inline Reference reference(const Scene& scene, Side side) {
  const std::int64_t N = scene.length();
  const auto frames = static_cast<std::size_t>(N == 0 ? 0 : N + scene.longest_response() - 1);
  Reference sum{std::vector<double>(frames), std::vector<double>(frames), 0, 1, 0, 1};
  for (const Voice& voice : scene.voices) {
    const Signal& source = scene.sources[voice.source];
    const std::int64_t start = scene.starts[voice.source];
    const std::int64_t begin = std::max(voice.begin, start);
    const std::int64_t end = std::min(voice.end, start + std::ssize(source));
    if (begin >= end) continue;
    Signal dry;
    for (std::int64_t n = begin; n < end; ++n) {
      const double sample = source[static_cast<std::size_t>(n - start)];
      dry.push_back(static_cast<float>(gain_of(voice, n) * sample));
    }
    const Reference one = reference(dry, scene.responses[voice.response][side]);
    for (std::size_t n = 0; n < one.wet.size(); ++n) {
      sum.wet[static_cast<std::size_t>(begin) + n] += one.wet[n];
      sum.magnitude[static_cast<std::size_t>(begin) + n] += one.magnitude[n];
    }
    sum.source_norm += one.source_norm * one.response_norm;
    sum.source_sum += one.source_sum * one.response_sum;
  }
  return sum;
}

}  // namespace gpuconv::test
