// location.hpp - are these two paths one file?
#pragma once

#include <sys/stat.h>

#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

namespace gpuconv {

/// Status of the file that `path` leads to; nothing if there is none, with the reason in errno. "-"
/// is the descriptor `standard`, if the caller gives one.
std::optional<struct stat> status_of(const std::string& path, int standard = -1);

/// Identifies an existing file, whatever its names.
struct FileId {
  explicit FileId(const struct stat& status) : device(status.st_dev), inode(status.st_ino) {}
  auto operator<=>(const FileId&) const = default;

  dev_t device;
  ino_t inode;
};

/// Text that changes with the file; "" for a pipe or a missing file.
std::string identity_of(const std::string& path);

/// True if both exist and are one file.
bool is_same_file(const std::string& a, const std::string& b);

/// True for a pipe, a device or a socket that exists at `path`, also through links, and for "-".
bool is_special_file(const std::string& path);

/// The path after all links, which need not exist yet. Throws FileError if the links form a circle.
std::string follow_links(const std::string& path);

/// Locations of files that need not exist yet: absolute paths without links. Reads each folder
/// once.
class Locations {
 public:
  std::string operator()(const std::string& path);

  /// The location of the folder that `path` is in, or names with a slash at its end.
  std::string folder_of(const std::string& path);

 private:
  std::unordered_map<std::string, std::filesystem::path> folders_;
};

}  // namespace gpuconv
