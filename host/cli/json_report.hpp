// json_report.hpp - the report of a render as JSON
#pragma once

#include <memory>
#include <string>

#include "gpuconv/job.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// The report as text, without a line end.
std::string json_of(const Job& job, const JobReport& report);

class JsonReport {
 public:
  /// Opens `path` before the job runs; "-" is standard output. Throws if it cannot be written or is
  /// a file of the job.
  JsonReport(const std::string& path, const Job& job);
  void write(const Job& job, const JobReport& report);

 private:
  std::unique_ptr<OutputFile> file_;  ///< null: standard output
};

}  // namespace gpuconv
