// plan_stream.hpp - the two ways to convolve what is pushed
#pragma once

#include <memory>

#include "host/api/engines.hpp"

namespace gpuconv {

class StreamState {
 public:
  virtual ~StreamState() = default;
  virtual Stereo<Signal> push(std::span<const float> source) = 0;
  virtual Stereo<Signal> finish() = 0;

  /// Methods read their source, so one runs on a thread of its own and waits there for the next push.
  static std::unique_ptr<StreamState> make(const std::shared_ptr<PlanEngines>& engines);
};

}  // namespace gpuconv
