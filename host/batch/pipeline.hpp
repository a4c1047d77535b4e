// pipeline.hpp - jobs on several threads at once, their outputs durable in groups
//
//   worker threads     take the next job: read, convolve, encode into a temporary file. On GPUs
//                      more of them than cores wait for groups of clips (clip_gatherer.hpp)
//   calling thread     waits for complete files. Of up to 64 of them, or those of two seconds, it
//                      brings the data to the disk, puts each in its place and brings the names of
//                      the folders to the disk. Then the jobs are done, and it says so
//
// So a job's bytes depend on nothing else, and nothing is called done that a power cut can lose.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/files/output_file.hpp"
#include "host/render/clip_gatherer.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

/// A job that was tried.
struct Attempt {
  std::size_t index = 0;  ///< among the jobs of the pipeline
  Job job;
  // What PipelineStages::prepare() knows and PipelineStages::finish() needs.
  std::optional<std::string> origin;
  std::string response_hash;
  std::optional<JobReport> report;
  std::exception_ptr failure;     ///< null: the job is done
  bool has_lost_gpu = false;      ///< nothing that runs on a GPU succeeds any more
  std::vector<OutputFile> files;  ///< complete; none once they are in their places
};

struct PipelineStages {
  /// Fills the attempt at job `index`. Called on the worker threads.
  std::function<void(Attempt& attempt)> prepare;
  /// What is done or has failed, in the order of the jobs; outputs are durable. Called on the
  /// calling thread.
  std::function<void(std::span<Attempt> group)> finish;
  /// Called on the calling thread ten times a second or more often.
  std::function<void()> tick;
};

struct PipelineOptions {
  /// One for each worker: the `device` of its jobs' requests.
  std::vector<std::string> devices;
  std::size_t group = 64;  ///< jobs
  std::size_t files_of_a_job = 1;
  std::size_t jobs_in_a_row = 1;     ///< that workers of one device take
  ClipGatherer* gatherer = nullptr;  ///< the workers' cores; null: each has its own
  std::chrono::milliseconds group_time{2000};
};

/// Runs `count` jobs. Ends early after a signal and when a GPU is lost: what is complete by then is
/// still finished, and what was under way leaves no trace. Throws what `finish` and `tick` throw.
void run_pipeline(std::size_t count, const PipelineOptions& options, const PipelineStages& stages);

}  // namespace gpuconv
