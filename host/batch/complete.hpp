// complete.hpp - what a batch that is run again need not do again
#pragma once

#include "host/render/job.hpp"

namespace gpuconv {

/// Whether the job's output is there, and whole: it can be read to its end and has the number of
/// frames, the rate and the encoding that the job would write. Who changed the options of the sound
/// must not ask. Throws as run_job() does.
bool is_complete(const Job& job);

}  // namespace gpuconv
