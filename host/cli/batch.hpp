// batch.hpp - gpuconv batch for programs: they learn what happens, and nothing is printed
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "gpuconv/job.hpp"
#include "host/batch/list.hpp"

namespace gpuconv {

/// Called on the calling thread; what one of them throws ends the batch and is thrown there.
struct BatchWatch {
  std::function<void(const ListedJob& job, const std::string& json)> done;
  std::function<void(const ListedJob& job)> complete;  ///< by an earlier batch
  std::function<void(const ListedJob& job, const std::string& error)> failed;
  /// About the list as a whole.
  std::function<void(const std::string& warning)> warning = [](const std::string&) {};
  std::function<void()> tick = [] {};  ///< ten times a second or more often
};

/// Runs the batch of `arguments`, those of the command line after "gpuconv batch". Throws Error for
/// what is wrong with all jobs, GpuError if the GPU is lost.
void run_batch(const std::vector<std::string>& arguments, const BatchWatch& watch);

}  // namespace gpuconv
