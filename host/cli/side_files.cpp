#include "host/cli/side_files.hpp"

#include <unistd.h>

#include "host/base/error.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

bool is_null_device(const struct stat& status) {
  const auto null = status_of("/dev/null");
  return S_ISCHR(status.st_mode) && null && status.st_rdev == null->st_rdev;
}

bool is_same_output(const std::string& a, const std::string& b) {
  const auto first = status_of(a, STDOUT_FILENO);
  const auto second = status_of(b, STDOUT_FILENO);
  if (first && second) return FileId(*first) == FileId(*second) && !is_null_device(*first);
  return !first && !second && Locations()(a) == Locations()(b);
}

}  // namespace

void refuse_common_outputs(std::span<const NamedOutput> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto& [earlier_option, earlier] = outputs[j];
      const auto& [option, path] = outputs[i];
      if (path.empty() || earlier.empty() || !is_same_output(earlier, path)) continue;
      const std::string what = option + " " + path;
      if (path == "-" && earlier == "-") {
        throw UsageError(what + ": standard output is already " + earlier_option);
      }
      throw UsageError(what + ": is taken by " + earlier_option + " " + earlier);
    }
  }
}

std::unique_ptr<OutputFile> open_beside(const std::string& option, const std::string& path,
                                        const Job& job) {
  for (const std::string& file : job.inputs()) {
    if (path != "-" && Locations()(file) == Locations()(path)) {
      throw UsageError(option + " " + path + ": would replace " + file);
    }
  }
  return std::make_unique<OutputFile>(path, OutputOptions{false, job.inputs()});
}

}  // namespace gpuconv
