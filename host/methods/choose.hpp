// choose.hpp - which method does a job, and why
#pragma once

#include <functional>
#include <optional>
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
  bool is_one_of_many = false;   ///< of a batch, which starts the GPU once: that is not counted
  std::function<void(const Choice&)> watch = {};  ///< told what was chosen, before the work
};

/// Longest estimate that is not refused as hopeless.
inline constexpr double kHopelessSeconds = 300;

/// Throws UsageError for what does not exist or contradicts itself or is hopeless, GpuError where
/// the GPU that is asked for is missing.
Choice choose(const Request& request, std::int64_t N, std::int64_t K, const Devices& devices,
              const CostModel& model = {});

/// The devices that a job may choose among; CUDA is not started if it can have none.
Devices devices_for(const Request& request);

/// Throws as choose() does for what is wrong whatever the job.
void check_request(const Request& request, const Devices& devices);

/// The device that GPU methods would run on, or none. Throws as choose() does.
std::optional<Device> pick_device(const std::string& text, const Devices& devices);

/// Whether a GPU could be chosen; if not, nobody needs to start CUDA.
bool may_use_gpu(const Request& request);

/// Why `method` cannot run here; empty if it can.
std::string why_not(const Method& method, const Devices& devices);

/// Why N samples and K taps are beyond a GPU method; empty if they are not.
std::string why_too_much(const Method& method, std::int64_t N, std::int64_t K,
                         const Device& device);

}  // namespace gpuconv
