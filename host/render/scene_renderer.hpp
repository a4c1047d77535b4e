// scene_renderer.hpp - whole sources in, the sum of what two ears hear of them out
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host/methods/method.hpp"
#include "host/methods/voice.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

class SceneRenderer {
 public:
  virtual ~SceneRenderer() = default;

  /// Reads all sources to their ends, side by side, and writes all frames in order: as many as the
  /// latest source lasts, and K - 1 more. Those of a source that begins later than another one ends
  /// are silence between. The calls of `wet` and of the sources are as those of Renderer::run().
  virtual RenderReport run(std::span<const SceneSource> sources, const WriteWet& wet) = 0;
};

/// Plans `voices`, by their order, which is that of the sums. `length` is what the scene lasts at
/// most, without the last response's tail (from kEndless on, any number will do). The bytes depend
/// on method, voices, responses, sources and `length` only. Throws GpuError.
std::unique_ptr<SceneRenderer> make_scene_renderer(const Method& method, SceneResponses responses,
                                                   std::vector<Voice> voices, std::int64_t length,
                                                   int device);

}  // namespace gpuconv
