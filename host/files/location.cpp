#include "host/files/location.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "host/base/error.hpp"

namespace gpuconv {

namespace fs = std::filesystem;

std::optional<struct stat> status_of(const std::string& path, int standard) {
  struct stat status {};
  const bool is_standard = standard >= 0 && path == "-";
  const int failed = is_standard ? ::fstat(standard, &status) : ::stat(path.c_str(), &status);
  if (failed != 0) return std::nullopt;
  return status;
}

std::string identity_of(const std::string& path) {
  const auto status = status_of(path);
  if (!status || !S_ISREG(status->st_mode)) return "";
  return fmt::format("{}:{}:{}:{}.{:09}:{}.{:09}", status->st_dev, status->st_ino, status->st_size,
                     status->st_mtim.tv_sec, status->st_mtim.tv_nsec, status->st_ctim.tv_sec,
                     status->st_ctim.tv_nsec);
}

bool is_same_file(const std::string& a, const std::string& b) {
  const auto first = status_of(a);
  const auto second = status_of(b);
  return first && second && FileId(*first) == FileId(*second);
}

bool is_special_file(const std::string& path) {
  if (path == "-") return true;
  const auto status = status_of(path);
  return status && !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode);
}

std::string follow_links(const std::string& path) {
  constexpr int kMaxLinks = 40;  // Linux's own limit
  fs::path target = path;
  for (int links = 0; links < kMaxLinks; ++links) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(target, error))) return target.string();
    const fs::path next = fs::read_symlink(target, error);
    if (error) throw FileError(path, fmt::format("cannot be followed ({})", error.message()));
    target = target.parent_path() / next;  // an absolute `next` replaces the whole
  }
  throw FileError(path, fmt::format("cannot be followed ({})", std::strerror(ELOOP)));
}

std::string Locations::operator()(const std::string& path) {
  const std::string followed = follow_links(path);
  return fs::path(folder_of(followed)) / fs::path(followed).filename();
}

std::string Locations::folder_of(const std::string& path) {
  std::error_code error;
  fs::path target = fs::absolute(path, error);
  if (error) target = path;  // an empty path, or the current folder is gone
  const auto [found, is_new] = folders_.try_emplace(target.parent_path());
  if (is_new) {
    fs::path folder = fs::weakly_canonical(target.parent_path(), error);
    found->second = error ? target.parent_path() : std::move(folder);
  }
  return found->second;
}

}  // namespace gpuconv
