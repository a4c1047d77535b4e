// job_options.hpp - the options that render, scene and batch share
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gpuconv/job.hpp"

namespace CLI {
class App;
}

namespace gpuconv {

struct JobOptions {
  Job job;            ///< without its files
  std::string norm;   ///< dBFS, as text; empty: none
  std::string level;  ///< such as "rms=-26"; empty: none
  std::optional<double> early_ms, late_ms;
  bool fail_on_clip = false;
  bool quiet = false;
  int gpu_timeout = 60;  ///< seconds; 0: none
};

/// `options` must outlive the command line.
void add_job_options(CLI::App& command, JobOptions& options);

/// Those of a job whose recordings and directions a scene names, instead.
void add_scene_options(CLI::App& command, JobOptions& options);

/// What becomes of an INPUT with several channels, before add_job_options().
void add_routing_options(CLI::App& command, JobOptions& options);

/// Tables of a source and a head that move, after add_job_options() or add_scene_options(); a scene
/// names its trajectories itself.
void add_movement_options(CLI::App& command, JobOptions& options);

/// Noise that a job names itself, after add_job_options().
void add_noise_options(CLI::App& command, JobOptions& options);

/// Reads `arguments`, such as {"--gain=-3", "--bits=16"}, and settles them: for callers without a
/// command line, whose process no timeout of a GPU may end unless they ask for one. Throws
/// UsageError.
JobOptions job_options_of(const std::vector<std::string>& arguments);

/// Applies the options that need the whole command line.
void settle(JobOptions& options);

}  // namespace gpuconv
