// cost_model.hpp - estimates how long a job will take, by measured or built-in constants
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
/// Operations of both ears, including wasted ones.
double job_operations(const Method& method, double N, double K);

class CostModel {
 public:
  /// Starts with the constants in the table of methods and a guess at the start of a GPU.
  CostModel() = default;

  /// Infinity if the method cannot run: no device, or too many taps.
  double seconds(const Method& method, std::int64_t N, std::int64_t K,
                 const std::optional<Device>& device) const;

  Speed speed(const Method& method) const;
  void set_speed(const Method& method, const Speed& speed);
  /// Seconds that the first use of a GPU costs a fresh process.
  double gpu_start() const { return gpu_start_; }
  void set_gpu_start(double seconds) { gpu_start_ = seconds; }
  bool is_calibrated(Processor processor) const;

  /// Writes the constants of `processor` that were set. read_json() reads them back, ignores
  /// unknown methods and throws std::runtime_error for any other text.
  std::string to_json(Processor processor, const std::string& machine) const;
  void read_json(const std::string& text, const std::string& machine);

 private:
  std::map<std::string_view, Speed> speeds_;
  double gpu_start_ = 0.3;  // context, module load, pinned memory: a prediction, never measured
};

/// Names the owner of constants: "AMD EPYC, 2 threads" or a GPU's name.
std::string machine_name(Processor processor, const std::optional<Device>& device);

/// The file of `gpuconv bench --calibrate` in the user's cache folder ($XDG_CACHE_HOME or
/// ~/.cache); empty without such a folder.
std::string calibration_file(const std::string& machine);

/// Constants calibrated for this processor and for `device`, built-in ones for the rest. If a file
/// is unusable, `warning` says why.
CostModel load_cost_model(const std::optional<Device>& device, std::string& warning);

/// Writes the constants of `processor` and returns the path. Throws FileError, or UsageError if
/// the cache folder is missing.
std::string save_cost_model(const CostModel& model, Processor processor,
                            const std::optional<Device>& device);

}  // namespace gpuconv
