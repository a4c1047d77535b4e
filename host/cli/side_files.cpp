#include "host/cli/side_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

/// Also of a file that is not there yet, and of a link to it.
std::filesystem::path place_of(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(follow_links(path), ignored);
}

/// Whether it swallows whatever comes.
bool is_null_device(const struct stat& status) {
  struct stat null {};
  return S_ISCHR(status.st_mode) && ::stat("/dev/null", &null) == 0 &&
         status.st_rdev == null.st_rdev;
}

/// What there is now; nothing if there is none.
std::optional<struct stat> status_of(const std::string& path) {
  struct stat status {};
  const int failed = path == "-" ? ::fstat(STDOUT_FILENO, &status) : ::stat(path.c_str(), &status);
  if (failed != 0) return std::nullopt;
  return status;
}

bool is_same_output(const std::string& a, const std::string& b) {
  const auto first = status_of(a);
  const auto second = status_of(b);
  if (first && second) {
    return first->st_dev == second->st_dev && first->st_ino == second->st_ino &&
           !is_null_device(*first);
  }
  return !first && !second && place_of(a) == place_of(b);
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
  for (const std::string& file : {job.input, job.response}) {
    if (path != "-" && place_of(file) == place_of(path)) {
      throw UsageError(option + " " + path + ": would replace " + file);
    }
  }
  return std::make_unique<OutputFile>(path, OutputOptions{false, {job.input, job.response}});
}

}  // namespace gpuconv
