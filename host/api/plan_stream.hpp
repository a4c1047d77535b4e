// plan_stream.hpp - convolves what is pushed
#pragma once

#include <memory>

#include "host/api/engines.hpp"

namespace gpuconv {

class StreamState {
 public:
  virtual ~StreamState() = default;
  virtual Stereo<Signal> push(std::span<const float> source) = 0;
  virtual Stereo<Signal> finish() = 0;

  /// Methods read their source, so they run on a thread of their own and wait there for the next
  /// push.
  static std::unique_ptr<StreamState> make(const std::shared_ptr<PlanEngines>& engines);
};

}  // namespace gpuconv
