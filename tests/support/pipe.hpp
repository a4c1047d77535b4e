// pipe.hpp - both ends of a pipe
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "host/files/file_descriptor.hpp"

namespace gpuconv::test {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    reading = FileDescriptor(ends[0]);
    writing = FileDescriptor(ends[1]);
  }
  FileDescriptor reading, writing;
};

}  // namespace gpuconv::test
