// error.hpp - what can go wrong, by whom it can be mended
//
// Every error a user can cause is an Error; its exit code says where to look. Anything else that
// reaches main() is a bug of this program (exit code 70). The library exports these classes, so
// that its users can catch them.
#pragma once

#include <stdexcept>
#include <string>

namespace gpuconv {

enum class Exit : int {
  done = 0,
  usage = 1,     ///< the command line
  file = 2,      ///< an input, response or output file
  gpu = 3,       ///< GPU, driver or memory
  some = 4,      ///< some jobs of a batch failed
  clipped = 5,   ///< clipped, with --fail-on-clip
  internal = 70  ///< a bug
};

class [[gnu::visibility("default")]] Error : public std::runtime_error {
 public:
  Error(Exit exit, const std::string& what) : std::runtime_error(what), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

/// The command line asks for something that does not exist or does not fit.
struct [[gnu::visibility("default")]] UsageError
    : Error{explicit UsageError(const std::string& what) : Error(Exit::usage, what){}};

/// A file is missing, malformed, unusable or cannot be written. The message starts with its path.
struct [[gnu::visibility("default")]] FileError : Error{
  FileError(const std::string& path, const std::string& what) :
      Error(Exit::file, path + ": " + what){}
};

/// No GPU, no driver, or not enough memory.
struct [[gnu::visibility("default")]] GpuError
    : Error{explicit GpuError(const std::string& what) : Error(Exit::gpu, what){}};

}  // namespace gpuconv
