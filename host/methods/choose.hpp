// choose.hpp - chooses the method of a job and says why
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "cuda/runtime/device.hpp"
#include "host/methods/cost_model.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

struct Choice {
  const Method* method;
  std::optional<Device> device;  ///< of a GPU method
  std::string why;               ///< a clause: "fastest by estimate: 0.02 s, next gpu-radix2 0.4 s"
  double estimated_seconds;
};

struct Request {
  std::string method = "auto";   ///< a name, or "auto"
  std::string device = "auto";   ///< auto, cpu, cuda or cuda:N
  bool allows_hopeless = false;  ///< --force-slow
  bool is_one_of_many = false;   ///< a batch starts the GPU once, so estimates ignore the start
  std::function<void(const Choice&)> watch = {};  ///< called with the choice, before the work
};

/// Longest estimate that gpuconv accepts without --force-slow.
inline constexpr double kHopelessSeconds = 300;

/// Throws UsageError for unknown, contradictory or too slow requests, and GpuError if the requested
/// GPU is missing.
Choice choose(const Request& request, std::int64_t N, std::int64_t K, const Devices& devices,
              const CostModel& model = {});

/// N and K of a job.
struct JobSize {
  std::int64_t samples;
  std::int64_t taps;
};

/// One method for many jobs: that asked for, or with "auto" the one with the least sum of the
/// estimates. Throws as choose() does for what does not depend on one job.
Choice choose_for_all(const Request& request, std::span<const JobSize> sizes,
                      const Devices& devices, const CostModel& model);

/// Devices that a job may choose among. Does not start CUDA if the request excludes GPUs.
Devices devices_for(const Request& request);

/// Throws as choose() does for everything that does not depend on N and K.
void check_request(const Request& request, const Devices& devices);

/// Device that GPU methods would run on, or none. Throws as choose() does.
std::optional<Device> pick_device(const std::string& text, const Devices& devices);

/// True if the request allows a GPU.
bool may_use_gpu(const Request& request);

/// Reason why `method` cannot run here; empty if it can.
std::string why_not(const Method& method, const Devices& devices);

/// Reason why a GPU method cannot do N samples and K taps; empty if it can.
std::string why_too_much(const Method& method, std::int64_t N, std::int64_t K,
                         const Device& device);

}  // namespace gpuconv
