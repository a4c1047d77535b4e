#include "host/audio/temporary_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "host/error.hpp"

namespace gpuconv {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxTemporaries = 100;              // of one process for one OUTPUT at a time
constexpr std::size_t kMaxNameInTemporary = 200;  // file names end at 255 bytes
constexpr std::string_view kMark = ".gpuconv-";
constexpr std::string_view kEnd = ".tmp";

std::string temporary_name(const fs::path& target, int number) {
  const std::string name = target.filename().string().substr(0, kMaxNameInTemporary);
  const std::string suffix = number == 0 ? "" : fmt::format("-{}", number);
  return fmt::format(".{}{}{}{}{}", name, kMark, ::getpid(), suffix, kEnd);
}

bool is_temporary_name(std::string_view name) {
  const std::size_t mark = name.rfind(kMark);
  if (!name.starts_with('.') || !name.ends_with(kEnd) || mark == name.npos) return false;
  const std::size_t begin = mark + kMark.size();
  const std::string_view number = name.substr(begin, name.size() - kEnd.size() - begin);
  return !number.empty() && number.find_first_not_of("0123456789-") == number.npos;
}

/// Whether it is a file of this user that no process holds; then it stays locked until `file` is
/// closed.
bool is_stale(const FileDescriptor& file) {
  struct stat status {};
  return file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == ::geteuid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

TemporaryFile::TemporaryFile(const std::string& output, const std::string& target) {
  const fs::path place = target;
  for (int number = 0; number < kMaxTemporaries; ++number) {
    if (create((place.parent_path() / temporary_name(place, number)).string())) return;
    if (errno != EEXIST) break;
  }
  throw FileError(
      output, fmt::format("no temporary file can be made beside it ({})", std::strerror(errno)));
}

/// False, with errno, if it was not created.
bool TemporaryFile::create(const std::string& candidate) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  // Nothing may throw once the file is there: nobody would remove it.
  path_ = candidate;
  auto removed_by_signal = std::make_unique<RemovedBySignal>(path_);
  descriptor_ = FileDescriptor(::open(candidate.c_str(), kFlags, 0666));
  if (!descriptor_) return false;
  removed_by_signal_ = std::move(removed_by_signal);
  removed_by_signal_->arm();
  lock_ = FileDescriptor(::fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 0));
  // Not every file system has locks; there nobody takes the file for a stale one either.
  ::flock(descriptor_.get(), LOCK_EX);
  struct stat status {};
  const bool is_there = ::fstat(descriptor_.get(), &status) == 0 && status.st_nlink > 0;
  if (lock_ && is_there) return true;
  // Taken for a stale file in the moment before it was locked, or no descriptor is left for a lock.
  const int error = lock_ ? EEXIST : errno;
  ::unlink(path_.c_str());
  removed_by_signal_.reset();
  errno = error;
  return false;
}

TemporaryFile::~TemporaryFile() {
  if (removed_by_signal_) ::unlink(path_.c_str());
}

bool TemporaryFile::rename_to(const std::string& target) {
  if (::rename(path_.c_str(), target.c_str()) != 0) return false;
  keep();
  return true;
}

void TemporaryFile::keep() { removed_by_signal_.reset(); }

void remove_stale_temporaries(const std::string& folder) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const std::lock_guard lock(mutex);
  if (!seen.insert(folder).second) return;
  // Not fs::directory_iterator: that of libstdc++ ends the program where it finds no memory.
  const std::unique_ptr<DIR, decltype([](DIR* opened) { ::closedir(opened); })> names(
      ::opendir(folder.c_str()));
  if (!names) return;
  while (const dirent* const entry = ::readdir(names.get())) {
    if (!is_temporary_name(entry->d_name)) continue;
    const std::string path = fs::path(folder) / entry->d_name;
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (is_stale(file)) ::unlink(path.c_str());
  }
}

}  // namespace gpuconv
