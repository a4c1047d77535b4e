// input_file.hpp - opening a file to read, with every refusal in words
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/files/file_descriptor.hpp"

namespace gpuconv {

struct InputFile {
  FileDescriptor descriptor;
  std::int64_t bytes = -1;  ///< of a regular file, from `origin` on; -1 for a pipe or a device
  std::int64_t origin = 0;  ///< where the recording begins: after tags, see tags.hpp
};

/// How errors name `path`.
std::string input_name(const std::string& path);

/// Throws FileError if `path` is missing, forbidden, a folder or empty. "-" is standard input.
InputFile open_input(const std::string& path);

/// Up to `count` bytes of a file from `offset` on; fewer at its end or where it cannot be read.
std::vector<unsigned char> peek(int descriptor, std::int64_t offset, std::size_t count);

/// The same of a file or of a pipe, whoever keeps it open.
using Peek = std::function<std::vector<unsigned char>(std::int64_t offset, std::size_t count)>;
Peek peek_into(int descriptor);

/// The same of a regular file, or a part of one: from its `origin` on, and not beyond its `bytes`.
Peek peek_into(const InputFile& file);

}  // namespace gpuconv
