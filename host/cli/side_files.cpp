#include "host/cli/side_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "host/error.hpp"

namespace gpuconv {
namespace {

bool is_same_name(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return a == b || std::filesystem::weakly_canonical(a, ignored) ==
                       std::filesystem::weakly_canonical(b, ignored);
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
    if (first->st_dev != second->st_dev || first->st_ino != second->st_ino) return false;
    return !S_ISCHR(first->st_mode) || a == "-" || b == "-";
  }
  return is_same_name(a, b);
}

}  // namespace

void refuse_common_outputs(std::span<const NamedOutput> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto& [earlier_option, earlier] = outputs[j];
      const auto& [option, path] = outputs[i];
      if (path.empty() || earlier.empty() || !is_same_output(earlier, path)) continue;
      throw UsageError(option + " " + path + ": is taken by " + earlier_option + " " + earlier);
    }
  }
}

std::unique_ptr<OutputFile> open_beside(const std::string& option, const std::string& path,
                                        const Job& job) {
  for (const std::string& file : {job.input, job.response}) {
    if (is_same_name(file, path)) {
      throw UsageError(option + " " + path + ": would replace " + file);
    }
  }
  return std::make_unique<OutputFile>(path, OutputOptions{false, {job.input, job.response}});
}

}  // namespace gpuconv
