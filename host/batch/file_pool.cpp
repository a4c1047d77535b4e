#include "host/batch/file_pool.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>

#include "host/base/error.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

std::vector<std::string> matching(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_MARK, nullptr, &found);
  std::vector<std::string> paths;
  for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) {
    paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (code == GLOB_NOSPACE) throw std::bad_alloc();
  std::erase_if(paths, [](const std::string& path) { return path.ends_with('/'); });
  std::ranges::sort(paths);  // of bytes, whatever the language of the user
  return paths;
}

/// The lines of a list; nothing if the file is not text.
std::optional<std::vector<std::string>> lines_of(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw FileError(path, fmt::format("cannot be opened ({})", std::strerror(errno)));
  }
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.find('\0') != std::string::npos) return std::nullopt;
    if (lines.empty() && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  if (file.bad()) throw FileError(path, "cannot be read");
  return lines;
}

void require(const std::string& path, const std::string& named_by) {
  if (status_of(path)) return;
  throw FileError(named_by, fmt::format("{}: cannot be opened ({})", path, std::strerror(errno)));
}

}  // namespace

std::vector<std::string> file_pool(const std::string& option, const std::string& text) {
  if (text.find_first_of("*?[") != std::string::npos && !status_of(text)) {
    std::vector<std::string> paths = matching(text);
    if (paths.empty()) throw FileError(option + " " + text, "matches no file");
    return paths;
  }
  if (is_special_file(text)) {
    throw FileError(option + " " + text, "is a pipe or a device; a pattern or a file is needed");
  }
  const auto lines = lines_of(text);
  if (!lines) return {text};
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < lines->size(); ++i) {
    const std::string& line = (*lines)[i];
    if (line.find_first_not_of(" \t") == std::string::npos || line.starts_with('#')) continue;
    require(line, fmt::format("{}: line {}", text, i + 1));
    paths.push_back(line);
  }
  if (paths.empty()) throw FileError(option + " " + text, "names no file");
  return paths;
}

}  // namespace gpuconv
