// command.hpp - a command of the shell, whose standard output is read like a pipe
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "host/base/interrupt.hpp"
#include "host/files/file_descriptor.hpp"

namespace gpuconv {

/// Runs `sh -c`, with nothing to read, in a process group of its own. None of its processes
/// outlives this object.
class Command {
 public:
  /// `text` may end in '|', as Kaldi writes it. Throws FileError if the shell cannot be started.
  explicit Command(const std::string& text);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  /// The end of the pipe to read from; the caller closes it before this object goes.
  FileDescriptor take_output() { return std::move(output_); }

  /// Reads what is left in `output` and waits for the end. Throws FileError if the command failed.
  void finish(int output);

  /// Waits for a moment, after `output` was read in vain. Throws FileError if the command failed by
  /// itself, which explains it.
  void explain_failure(int output);

 private:
  void check(int status) const;
  bool has_ended(int& status, int options);

  std::string text_;
  FileDescriptor output_;
  pid_t process_ = -1;
  std::optional<KilledBySignal> group_;
};

}  // namespace gpuconv
