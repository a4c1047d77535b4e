// side_files.hpp - files that render writes besides OUTPUT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "gpuconv/job.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// An output file and the option that names it.
struct NamedOutput {
  std::string option;
  std::string path;  ///< - is standard output; empty: none
};

/// Throws UsageError if two of them are the same file, pipe or stream. /dev/null takes any number.
void refuse_common_outputs(std::span<const NamedOutput> outputs);

/// Opens the file `path` of `option`. Throws if it cannot be written or is an input of the job.
std::unique_ptr<OutputFile> open_beside(const std::string& option, const std::string& path,
                                        const Job& job);

}  // namespace gpuconv
