// json_report.hpp - what render did, for programs
#pragma once

#include <string>

#include "host/render/job.hpp"

namespace gpuconv {

/// Writes to the file `path`, or to standard output if it is "-". Throws FileError.
void write_json_report(const std::string& path, const Job& job, const JobReport& report);

}  // namespace gpuconv
