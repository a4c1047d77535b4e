#include "host/files/temporary_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "host/base/error.hpp"
#include "host/files/folder.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxTemporaries = 100;                  // of one process for one OUTPUT at a time
constexpr int kMaxKept = 1'000;                       // results beside one OUTPUT
constexpr std::time_t kLongUnwritten = 24 * 60 * 60;  // seconds
constexpr std::size_t kMaxNameInTemporary = 200;      // file names end at 255 bytes
constexpr std::string_view kMark = ".gpuconv-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::string_view kDigits = "0123456789abcdef-";

/// The running kernel, whose locks all processes on it see, also from within containers: the first
/// digits of its boot ID, which is random. Empty if it cannot be read.
const std::string& this_machine() {
  static const std::string machine = [] {
    std::string digits(8, ' ');
    const FileDescriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    const bool is_read = file && ::read(file.get(), digits.data(), digits.size()) == 8;
    return is_read && digits.find_first_not_of(kDigits) == digits.npos ? digits : "";
  }();
  return machine;
}

std::string numbered(int number) { return number == 0 ? "" : fmt::format("-{}", number); }

std::string temporary_name(const fs::path& target, int number) {
  const std::string name = target.filename().string().substr(0, kMaxNameInTemporary);
  return fmt::format(".{}{}{}-{}{}{}", name, kMark, this_machine(), ::getpid(), numbered(number),
                     kEnd);
}

std::string kept_name(const fs::path& target, int number) {
  return fmt::format("{}.kept{}{}", target.stem().string().substr(0, kMaxNameInTemporary),
                     numbered(number), target.extension().string());
}

/// What stands for machine and process in the name of a temporary file; empty in any other name.
std::string_view owner_in(std::string_view name) {
  const std::size_t mark = name.rfind(kMark);
  if (!name.starts_with('.') || !name.ends_with(kEnd) || mark == name.npos) return "";
  const std::size_t begin = mark + kMark.size();
  const std::string_view owner = name.substr(begin, name.size() - kEnd.size() - begin);
  const bool is_temporary = owner.find_first_not_of(kDigits) == owner.npos;
  return is_temporary ? owner : "";
}

/// Whether it is a file of this user that no process holds; then it stays locked until `file` is
/// closed.
bool is_stale(const FileDescriptor& file, std::string_view owner, bool is_shared) {
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const bool is_from_here = !this_machine().empty() && owner.starts_with(this_machine() + "-");
  if (is_shared && !is_from_here && std::time(nullptr) - status.st_mtime < kLongUnwritten) {
    return false;
  }
  return status.st_uid == ::geteuid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

/// False, with errno, if it could not be renamed: EEXIST if there is something at `to`.
bool rename_to_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  // NFS cannot do that, but link.
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  // Some drives can do neither (exFAT, FUSE); there a moment is left in which `to` may appear.
  struct stat status {};
  if (::lstat(to.c_str(), &status) != 0) return ::rename(from.c_str(), to.c_str()) == 0;
  errno = EEXIST;
  return false;
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

bool TemporaryFile::rename_to(const std::string& target, bool may_replace) {
  const bool is_done =
      may_replace ? ::rename(path_.c_str(), target.c_str()) == 0 : rename_to_new(path_, target);
  if (is_done) removed_by_signal_.reset();
  return is_done;
}

std::optional<std::string> TemporaryFile::keep(const std::string& target) {
  const fs::path place = target;
  for (int number = 0; number < kMaxKept; ++number) {
    const std::string kept = (place.parent_path() / kept_name(place, number)).string();
    if (rename_to(kept, false)) return kept;
    if (errno != EEXIST) break;
  }
  removed_by_signal_.reset();
  struct stat written {};
  const auto found = status_of(path_);
  const bool is_there =
      found && ::fstat(lock_.get(), &written) == 0 && FileId(*found) == FileId(written);
  return is_there ? std::optional(path_) : std::nullopt;
}

bool is_shared_drive(const std::string& folder) {
  // linux/magic.h and the drivers' own; in no header all of them.
  constexpr std::array<std::uint32_t, 13> kShared{
      0x6969,      // NFS
      0x517b,      // SMB
      0xff534d42,  // CIFS
      0xfe534d42,  // SMB 2
      0x65735546,  // FUSE
      0x01021997,  // 9p
      0x5346414f,  // AFS
      0x00c36400,  // Ceph
      0x0bd00bd0,  // Lustre
      0x47504653,  // GPFS
      0x7461636f,  // OCFS2
      0x01161970,  // GFS2
      0x19830326,  // BeeGFS
  };
  struct statfs drive {};
  if (::statfs(folder.c_str(), &drive) != 0) return true;
  return std::ranges::find(kShared, static_cast<std::uint32_t>(drive.f_type)) != kShared.end();
}

void remove_stale_temporaries(const std::string& folder, bool is_shared) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const std::lock_guard lock(mutex);
  if (!seen.insert(folder).second) return;
  const std::unique_ptr<DIR, CloseFolder> entries(::opendir(folder.c_str()));
  while (const dirent* const entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view owner = owner_in(entry->d_name);
    if (owner.empty()) continue;
    const std::string path = (fs::path(folder) / entry->d_name).string();
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (is_stale(file, owner, is_shared)) ::unlink(path.c_str());
  }
}

}  // namespace gpuconv
