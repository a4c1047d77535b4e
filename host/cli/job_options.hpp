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

/// Levels are never changed behind anybody's back, nor is a file mended, so they are told.
void print_warnings(const Job& job, const JobReport& report);

/// Whether PCM had to limit a sample.
bool has_clipped(const JobReport& report);

}  // namespace gpuconv
