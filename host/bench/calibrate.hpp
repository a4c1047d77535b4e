// calibrate.hpp - the constants of the cost model, measured here in seconds
#pragma once

#include <optional>

#include "host/base/signal.hpp"
#include "host/methods/cost_model.hpp"

namespace gpuconv {

/// Seconds of one whole job in memory: planning, then all frames of both ears. Without what a GPU
/// costs when a process first uses it.
double job_seconds(const Method& method, const Signal& source, const Stereo<Signal>& response,
                   const std::optional<Device>& device);

/// Fits each method that can run to three jobs: a tiny one (launch), a long one with one tap
/// (bandwidth) and one with many operations (rate). `device`: none leaves out GPU methods.
CostModel calibrate(const std::optional<Device>& device);

}  // namespace gpuconv
