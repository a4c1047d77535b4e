#include "host/audio/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "host/error.hpp"

namespace gpuconv {

InputFile open_input(const std::string& path) {
  if (path == "-") throw UsageError("-: standard input is not supported; name a file");
  InputFile file;
  file.descriptor = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.descriptor || ::fstat(file.descriptor.get(), &status) != 0) {
    throw FileError(path, std::string("can not be opened (") + std::strerror(errno) + ")");
  }
  if (S_ISDIR(status.st_mode)) throw FileError(path, "is a folder, not a file");
  if (S_ISREG(status.st_mode)) {
    if (status.st_size == 0) throw FileError(path, "is empty (0 bytes)");
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

}  // namespace gpuconv
