// cost_model.hpp - how long a job will take, by constants that were measured or are built in
//
//   seconds = start of the processor + blocks * launch + bytes / bandwidth + operations / rate
//
// bytes: the source in, the frames of both ears out, 4 N + 8 (N + K - 1). The model chooses
// methods, never anything that a method's bytes depend on.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "cuda/runtime/device.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

double job_bytes(double N, double K);
/// Of the method, both ears, wasted ones included.
double job_operations(const Method& method, double N, double K);

class CostModel {
 public:
  /// The constants of the table of methods, and a guess at the start of a GPU.
  CostModel() = default;

  /// Infinity where the method cannot run: no device, or too many taps for it.
  double seconds(const Method& method, std::int64_t N, std::int64_t K,
                 const std::optional<Device>& device) const;

  Speed speed(const Method& method) const;
  void set_speed(const Method& method, const Speed& speed);
  /// Seconds that the first use of a GPU costs a fresh process.
  double gpu_start() const { return gpu_start_; }
  void set_gpu_start(double seconds) { gpu_start_ = seconds; }
  bool is_calibrated(Processor processor) const;

  /// The constants of `processor` that were set, as JSON, and the reverse. Throws
  /// std::runtime_error for what was not written by to_json(); names of methods that do not exist
  /// are left alone.
  std::string to_json(Processor processor, const std::string& machine) const;
  void read_json(const std::string& text, const std::string& machine);

 private:
  std::map<std::string_view, Speed> speeds_;
  double gpu_start_ = 0.3;  // context, module load, pinned memory: a prediction, never measured
};

/// "AMD EPYC, 2 threads" or a GPU's name: whose constants they are.
std::string machine_name(Processor processor, const std::optional<Device>& device);

/// The file of `gpuconv bench --calibrate` in the user's cache folder ($XDG_CACHE_HOME or
/// ~/.cache); empty where there is no such folder.
std::string calibration_file(const std::string& machine);

/// What was calibrated for this processor and for `device`, built-in constants for the rest. A file
/// that cannot be used is left out, and `warning` says why.
CostModel load_cost_model(const std::optional<Device>& device, std::string& warning);

/// Writes the constants of `processor`, the whole file or nothing. Throws FileError, and UsageError
/// where there is no cache folder. Returns the path.
std::string save_cost_model(const CostModel& model, Processor processor,
                            const std::optional<Device>& device);

}  // namespace gpuconv
