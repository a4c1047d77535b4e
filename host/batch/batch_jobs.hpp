// batch_jobs.hpp - the jobs of a batch: the lines of its list, and what was drawn for them
#pragma once

#include <string>
#include <vector>

#include "host/batch/list.hpp"
#include "host/batch/pairing.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

struct BatchJobs {
  JobList list;
  std::vector<PairedJob> drawn;  ///< of each job; empty: the jobs are the lines as they stand
};

/// Reads the list (list.hpp) and pairs its lines (pairing.hpp). Each job has the further
/// outputs of `stretches`, too. Throws FileError as read_list() does, for all outputs of all jobs.
/// `pairing` must outlive the result, whose texts are its own.
BatchJobs read_jobs(const std::string& list, ListOptions lines, const PairingOptions& pairing,
                    const std::vector<StretchOutput>& stretches);

}  // namespace gpuconv
