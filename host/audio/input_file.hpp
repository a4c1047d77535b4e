// input_file.hpp - opening a file to read, with every refusal in words
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/audio/file_descriptor.hpp"

namespace gpuconv {

struct InputFile {
  FileDescriptor descriptor;
  std::int64_t bytes = -1;  ///< size of a regular file; -1 for a pipe or a device
};

/// How errors name `path`.
std::string input_name(const std::string& path);

/// Throws FileError if `path` is missing, forbidden, a folder or empty. "-" is standard input.
InputFile open_input(const std::string& path);

/// Up to `count` bytes of a file from `offset` on; fewer at its end or where it can not be read.
std::vector<unsigned char> peek(int descriptor, std::int64_t offset, std::size_t count);

/// The same of a file or of a pipe, whoever keeps it open.
using Peek = std::function<std::vector<unsigned char>(std::int64_t offset, std::size_t count)>;
Peek peek_into(int descriptor);

}  // namespace gpuconv
