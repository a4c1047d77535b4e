// prepared.hpp - a job is resolved, then run
//
//   resolve(Job) -> Prepared     opens, chooses and checks; a dry run ends here
//   run(Prepared) -> JobReport   reads the source, convolves, writes OUTPUT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "host/render/job.hpp"
#include "host/render/scene.hpp"
#include "host/write/output.hpp"

namespace gpuconv {

/// A job with everything opened and chosen, before the first sample is convolved.
struct Prepared {
  Job job;
  JobReport report;  ///< what resolve() knows
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  Scene scene;
  std::unique_ptr<WetWriter> writer;  ///< null: OUTPUT is a pipe or a device, opened by run()
  std::vector<std::unique_ptr<WetWriter>> stretch_writers;  ///< of the stretches
};

/// Throws Error for everything that can be rejected before the work.
Prepared resolve(const Job& job);

/// Throws Error. OUTPUT appears only when it is complete. With `unpublished`, the caller gets the
/// complete files, in the order in which it puts them in their places once they are on the disk.
JobReport run(Prepared prepared, std::vector<OutputFile>* unpublished = nullptr);

}  // namespace gpuconv
