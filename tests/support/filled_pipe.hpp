// filled_pipe.hpp - bytes in a pipe whose writer is gone, with a path
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <span>
#include <stdexcept>
#include <string>

#include "host/files/file_descriptor.hpp"

namespace gpuconv::test {

/// The system keeps the bytes until they are read: once, by whoever opens path().
class FilledPipe {
 public:
  explicit FilledPipe(std::span<const char> bytes) {
    constexpr int kMostBytes = 1 << 20;  // of a pipe, unless root
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("no pipe");
    reading_ = FileDescriptor(ends[0]);
    const FileDescriptor writing(ends[1]);
    ::fcntl(writing.get(), F_SETPIPE_SZ, kMostBytes);
    if (::write(writing.get(), bytes.data(), bytes.size()) != std::ssize(bytes)) {
      throw std::runtime_error("too much for a pipe");
    }
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(reading_.get()); }

 private:
  FileDescriptor reading_;
};

}  // namespace gpuconv::test
