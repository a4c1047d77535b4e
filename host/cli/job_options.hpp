// job_options.hpp - the options of a job, whoever it comes from
#pragma once

#include <string>

#include "host/render/job.hpp"

namespace CLI {
class App;
}

namespace gpuconv {

struct JobOptions {
  Job job;           ///< without its files
  std::string norm;  ///< dBFS, as text; empty: not asked for
  bool fail_on_clip = false;
  bool quiet = false;
  int gpu_timeout = 60;  ///< seconds; 0: none
};

/// `options` must outlive the command line.
void add_job_options(CLI::App& command, JobOptions& options);

/// What is left to do when the command line is read.
void settle(JobOptions& options);

/// Warns of what was mended or could not be done as asked, but for the level.
void print_warnings(const Job& job, const JobReport& report);

/// Warns where samples were clipped, or will be by players, with the option that avoids it.
void print_level_warning(const Job& job, const JobReport& report);

/// The highest value of --gain, or of --norm where that was asked for, with which nothing clips, in
/// tenths of a dB.
double right_level(const Job& job, const JobReport& report);

/// That value as an option: "--gain -3.2".
std::string level_option(const Job& job, double level);

/// Whether PCM had to limit a sample.
bool has_clipped(const JobReport& report);

/// Whether a sample was above full scale.
bool has_overs(const JobReport& report);

}  // namespace gpuconv
