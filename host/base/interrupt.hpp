// interrupt.hpp - Ctrl-C, kill, and a terminal that is closed
//
// The first SIGINT, SIGTERM or SIGHUP asks the work to stop at its next block. Work that cannot (a
// long sum, a pipe that says nothing, a GPU that hangs) is left after 0.7 s, and at a second signal
// at once: then only the temporary files are removed. A signal that the caller ignores (nohup)
// stays ignored.
#pragma once

#include <atomic>
#include <stdexcept>
#include <string>

namespace gpuconv {

/// Thrown where the work stops. The exit code is 128 + the signal's number.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// From now on the signals are caught. Called once, by main().
void catch_signals();

/// The number of the signal that asked to stop, or 0.
int received_signal();

/// From now on `flag` asks the calling thread to stop, as a signal asks all threads. Null: only
/// signals do.
void obey(const std::atomic<bool>* flag);

/// Whether a signal, or the flag of this thread, has asked to stop. A system call that was
/// interrupted goes on unless this is true.
bool must_stop();

/// Throws Interrupted if must_stop().
void stop_if_interrupted();

/// Removes the files below, kills the process groups below and ends the process: for signal
/// handlers, where nothing else may happen.
[[noreturn]] void leave_at_once(int exit_code);

/// A file that is removed if a signal ends the process without the destructors.
class RemovedBySignal {
 public:
  /// Not yet removed: there may be no such file.
  explicit RemovedBySignal(const std::string& path);
  RemovedBySignal(const RemovedBySignal&) = delete;
  RemovedBySignal& operator=(const RemovedBySignal&) = delete;
  ~RemovedBySignal();  ///< no longer

  /// From now on. Needs no memory.
  void arm() noexcept;

 private:
  char* path_;
  int slot_;
};

/// A process group that is killed if a signal ends the process without the destructors.
class KilledBySignal {
 public:
  explicit KilledBySignal(int group) noexcept;
  KilledBySignal(const KilledBySignal&) = delete;
  KilledBySignal& operator=(const KilledBySignal&) = delete;
  ~KilledBySignal();  ///< no longer

 private:
  int slot_;
};

}  // namespace gpuconv
