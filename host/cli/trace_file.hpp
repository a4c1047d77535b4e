// trace_file.hpp - the timeline of a render, in the JSON that Chrome and Perfetto show
#pragma once

#include <memory>
#include <string>

#include "cuda/runtime/trace.hpp"
#include "gpuconv/job.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// One process for the CPU with a row for each thread, and one for the GPU with a row for each
/// stream; arrows where a stream waited for another. Times in µs.
std::string to_chrome_json(const Trace& trace, const std::string& gpu);

/// Takes a trace from its construction on.
class TraceFile {
 public:
  /// Throws before the job is done if `path` cannot be written or is one of the job's own files.
  TraceFile(const std::string& path, const Job& job);
  void write(const JobReport& report);

 private:
  std::string path_;
  std::unique_ptr<OutputFile> file_;
  Trace trace_;
};

}  // namespace gpuconv
