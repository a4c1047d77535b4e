#include "host/files/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/base/error.hpp"

namespace gpuconv {

std::string input_name(const std::string& path) { return path == "-" ? "standard input" : path; }

InputFile open_input(const std::string& path) {
  const bool is_standard = path == "-";
  const std::string name = input_name(path);
  InputFile file;
  file.descriptor = FileDescriptor(is_standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                               : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.descriptor || ::fstat(file.descriptor.get(), &status) != 0) {
    throw FileError(name, std::string("cannot be opened (") + std::strerror(errno) + ")");
  }
  if (S_ISDIR(status.st_mode)) throw FileError(name, "is a folder, not a file");
  if (is_standard && ::isatty(STDIN_FILENO) != 0) throw FileError(name, "is a terminal, not sound");
  // Somebody else may have read the beginning of standard input.
  if (S_ISREG(status.st_mode) && ::lseek(file.descriptor.get(), 0, SEEK_CUR) == 0) {
    if (status.st_size == 0) throw FileError(name, "is empty (0 bytes)");
    file.bytes = status.st_size;
  }
  return file;
}

std::vector<unsigned char> peek(int descriptor, std::int64_t offset, std::size_t count) {
  std::vector<unsigned char> bytes(count);
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(descriptor, bytes.data() + done, count - done,
                                offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Peek peek_into(int descriptor) {
  return [descriptor](std::int64_t offset, std::size_t count) {
    return peek(descriptor, offset, count);
  };
}

Peek peek_into(const InputFile& file) {
  return [descriptor = file.descriptor.get(), origin = file.origin, bytes = file.bytes](
             std::int64_t offset, std::size_t count) {
    const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, bytes - offset));
    return peek(descriptor, origin + offset, std::min(count, left));
  };
}

}  // namespace gpuconv
