// json_report.hpp - what render did, for programs
#pragma once

#include <memory>
#include <string>

#include "host/files/output_file.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

class JsonReport {
 public:
  /// For the file `path`, or standard output if it is "-". Throws before the job is done if `path`
  /// cannot be written or is one of the job's own files.
  JsonReport(const std::string& path, const Job& job);
  void write(const Job& job, const JobReport& report);

 private:
  std::unique_ptr<OutputFile> file_;  ///< none: standard output
};

}  // namespace gpuconv
