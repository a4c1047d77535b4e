// job.hpp - from file to file, as `gpuconv render` does it
#pragma once

#include "gpuconv/export.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

/// Reads INPUT, convolves, writes OUTPUT, which appears only when it is complete. Throws
/// UsageError, FileError or GpuError, and what `job.watch` throws.
GPUCONV_API JobReport run_job(const Job& job);

/// Everything that run_job() does before the work: what it returns is known then, and what it
/// throws is what run_job() would throw.
GPUCONV_API JobReport check_job(const Job& job);

}  // namespace gpuconv
