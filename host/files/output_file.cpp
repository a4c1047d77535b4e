#include "host/files/output_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/location.hpp"

namespace gpuconv {
namespace {

/// The temporary file's name is cut to fit; OUTPUT's own must fit, too.
void check_name(const std::string& path, const std::string& target) {
  struct stat status {};
  if (::lstat(target.c_str(), &status) != 0 && errno == ENAMETOOLONG) {
    throw FileError(path, fmt::format("cannot be made ({})", std::strerror(errno)));
  }
}

std::string folder_of(const std::string& target) {
  const std::string folder = std::filesystem::path(target).parent_path().string();
  return folder.empty() ? "." : folder;
}

void check_folder(const std::string& path, const std::string& folder) {
  const auto status = status_of(folder);
  if (!status) {
    throw FileError(path, fmt::format("folder '{}' ({})", folder, std::strerror(errno)));
  }
  if (!S_ISDIR(status->st_mode)) throw FileError(path, fmt::format("'{}' is not a folder", folder));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw FileError(
        path, fmt::format("folder '{}' cannot be written ({})", folder, std::strerror(errno)));
  }
}

void make_folder(const std::string& path, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw FileError(path, fmt::format("folder '{}' cannot be made ({})", folder, error.message()));
  }
}

void check_inputs(const std::string& path, const struct stat& status,
                  const OutputOptions& options) {
  for (const std::string& input : options.inputs) {
    const auto other = status_of(input, STDIN_FILENO);
    if (other && FileId(*other) == FileId(status)) {
      throw FileError(path, fmt::format("is the same file as the input '{}'", input));
    }
  }
}

void check_existing(const std::string& path, const struct stat& status,
                    const OutputOptions& options) {
  if (S_ISDIR(status.st_mode)) throw FileError(path, "is a folder, not a file");
  if (::access(path.c_str(), W_OK) != 0) {
    throw FileError(path, fmt::format("cannot be written ({})", std::strerror(errno)));
  }
  if (!S_ISCHR(status.st_mode)) check_inputs(path, status, options);
  if (options.no_clobber && S_ISREG(status.st_mode)) {
    throw FileError(path, "exists, and --no-clobber was given");
  }
}

}  // namespace

OutputFile::OutputFile(const std::string& path, const OutputOptions& options)
    : may_replace_(!options.no_clobber) {
  if (path == "-") {
    open_standard_output(options);
    return;
  }
  path_ = path;
  target_ = is_special_file(path) ? path : follow_links(path);
  const auto existing = status_of(target_);
  if (existing) check_existing(path, *existing, options);
  if (existing && !S_ISREG(existing->st_mode)) {
    special_ = FileDescriptor(::open(target_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!special_) fail("cannot be opened");
    seekable_ = ::lseek(descriptor(), 0, SEEK_CUR) >= 0;
    return;
  }
  check_name(path, target_);
  const std::string folder = folder_of(target_);
  if (options.makes_folder) make_folder(path, folder);
  check_folder(path, folder);
  remove_stale_temporaries(folder, is_shared_drive(folder));
  temporary_ = std::make_unique<TemporaryFile>(path, target_);
  if (existing) ::fchmod(descriptor(), existing->st_mode & 07777);  // as it was; best effort
}

void OutputFile::open_standard_output(const OutputOptions& options) {
  path_ = target_ = "standard output";
  special_ = FileDescriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!special_) fail("cannot be opened");
  if (::isatty(descriptor()) != 0) throw FileError(path_, "is a terminal, which has no ears");
  struct stat status {};
  const bool is_file = ::fstat(descriptor(), &status) == 0 && S_ISREG(status.st_mode);
  if (is_file) check_inputs(path_, status, options);  // it would read what it has written
  // In a file that something stands in already, or that is appended to, nobody may go back to 0.
  const bool appends = (::fcntl(descriptor(), F_GETFL) & O_APPEND) != 0;
  seekable_ = !appends && ::lseek(descriptor(), 0, SEEK_CUR) == 0;
}

void OutputFile::require_room(std::int64_t bytes) const {
  struct statvfs disk {};
  if (in_place() || ::statvfs(folder_of(target_).c_str(), &disk) != 0) return;
  if (disk.f_blocks == 0) return;  // so say those that do not count: much of FUSE, unlimited tmpfs
  const double room = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (room >= static_cast<double>(bytes)) return;
  throw FileError(path_, fmt::format("needs {} bytes where {:.0f} are free", bytes, room));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      stop_if_interrupted();
      continue;
    }
    if (written < 0 && errno == EAGAIN) {  // whoever opened it does not want to wait, but we do
      pollfd waiting{descriptor(), POLLOUT, 0};
      ::poll(&waiting, 1, -1);
      stop_if_interrupted();
      continue;
    }
    if (written <= 0) {
      if (written == 0) errno = ENOSPC;
      fail(fmt::format("cannot be written: {} bytes are, {} more were needed", position_,
                       bytes.size()));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    position_ += written;
    bytes_ = std::max(bytes_, position_);
  }
}

void OutputFile::seek(std::int64_t position) {
  if (::lseek(descriptor(), position, SEEK_SET) < 0) fail("cannot go back to the header");
  position_ = position;
}

std::vector<unsigned char> OutputFile::read_back(std::int64_t position, std::size_t count) const {
  std::vector<unsigned char> bytes(count);
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(descriptor(), bytes.data() + done, count - done,
                                position + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot be read back");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void OutputFile::clear() {
  if (::ftruncate(descriptor(), 0) != 0) fail("cannot be emptied");
  bytes_ = 0;
}

void OutputFile::begin_sync() {
  if (!in_place()) ::sync_file_range(descriptor(), 0, 0, SYNC_FILE_RANGE_WRITE);  // best effort
}

void OutputFile::sync() {
  if (::fsync(descriptor()) == 0) return;
  // Pipes and devices have nothing to sync, and say so.
  const bool has_nothing = errno == EINVAL || errno == EROFS || errno == ENOTSUP;
  if (!in_place() || !has_nothing) fail("cannot be brought to the disk");
}

void OutputFile::take_place() {
  if (in_place()) {
    // What another program writes to the same standard output belongs after this.
    if (seekable_) seek(bytes_);
    if (special_.close() != 0) fail("cannot be closed");
    return;
  }
  if (!temporary_->close()) fail("cannot be closed");
  if (!temporary_->rename_to(target_, may_replace_)) keep_result(errno);
}

void OutputFile::publish() {
  take_place();
  if (!in_place()) sync_folder(folder());
}

std::string OutputFile::folder() const { return in_place() ? "" : folder_of(target_); }

void sync_folder(const std::string& folder) {
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened) ::fsync(opened.get());
}

void OutputFile::keep_result(int error) {
  const std::string why = error == EEXIST && !may_replace_
                              ? "has appeared meanwhile, and --no-clobber was given"
                              : fmt::format("cannot take its place ({})", std::strerror(error));
  const auto kept = temporary_->keep(target_);
  if (!kept) {
    throw FileError(
        path_, fmt::format("{}; '{}', which held the result, is gone", why, temporary_->path()));
  }
  const bool is_temporary = *kept == temporary_->path();
  throw FileError(path_, fmt::format("{}; the result is complete in '{}'{}", why, *kept,
                                     is_temporary ? " until gpuconv next writes there" : ""));
}

void OutputFile::fail(const std::string& what) const {
  throw FileError(path_, fmt::format("{} ({})", what, std::strerror(errno)));
}

}  // namespace gpuconv
