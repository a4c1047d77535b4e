// cpu_voices.hpp - method "cpu-vectorised" for a scene: V voices into two ears
//
//   y_e = sum_v h_{v,e} * (g_v x_v)        see voice.hpp
//
//   x_v  sources      N_v floats each        linear sample amplitude, full scale = 1
//   h_v  responses    2 x K_v floats each    gain per sample of delay
//   y    wet          2 x (N+K-1) floats     N: until the latest source ends, K: the longest K_v
//
// Idea     Overlap-save as in cpu_vectorised.hpp, in windows that all voices share: their spectra
//          are multiplied and added before the transform back. That takes V + 2 transforms for a
//          window instead of 3 V.
// Order    Products are added voice after voice, and for each voice partition after partition. The
//          bytes depend on nothing but voices, responses, sources and the length that is planned
//          for; those of one whole voice are those of VectorisedConvolver.
// Cost     For each A frames a transform of 2M reals for each voice that is heard in it, 2 for the
//          ears, and 2P products of M complex numbers for each of these voices.
// Memory   Of each source 2M samples or more; 2P spectra of each response that is in use, and some
//          more up to kIdleBytes; P spectra of each voice that is heard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/methods/voice.hpp"

namespace gpuconv {

class VoicesConvolver {
 public:
  /// Spectra of responses that no voice uses at the moment and one may use again.
  static constexpr std::size_t kIdleBytes = std::size_t{256} << 20;

  /// `length` is N, or more. Throws std::invalid_argument if a voice's response does not exist or
  /// its ramps overlap.
  VoicesConvolver(SceneResponses responses, std::vector<Voice> voices, std::int64_t length);

  /// Reads all sources to their ends, side by side, and writes the N+K-1 wet frames in order; none
  /// if no source has a sample. All functions are called on the calling thread; an exception of
  /// theirs ends the work and is thrown here. `threads`: 0 for all cores or those of a ThreadLimit.
  /// Throws std::invalid_argument if a voice's source does not exist.
  void run(std::span<const SceneSource> sources, const WriteWet& wet, int threads = 0) const;

  const VectorisedPlan& plan() const { return plan_; }

 private:
  class Pipeline;

  SceneResponses responses_;
  std::vector<Voice> voices_;
  VectorisedPlan plan_;
};

}  // namespace gpuconv
