// side_files.hpp - what a render writes besides its OUTPUT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "host/files/output_file.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

/// A file that the command line wants written, and the option that says so.
struct NamedOutput {
  std::string option;
  std::string path;  ///< - is standard output; empty: not wanted
};

/// Throws UsageError if two of them are the same file, pipe or stream: one would be lost in the
/// other. /dev/null takes any number.
void refuse_common_outputs(std::span<const NamedOutput> outputs);

/// The file `path` that `option` names. Throws if it cannot be written or is one of the job's
/// inputs.
std::unique_ptr<OutputFile> open_beside(const std::string& option, const std::string& path,
                                        const Job& job);

}  // namespace gpuconv
