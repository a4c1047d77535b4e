#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/failure.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {
namespace {

/// For what is thrown where nothing may be: the destructors of libraries, too, need memory.
[[noreturn]] void end_where_nobody_catches() {
  if (std::current_exception()) leave_at_once(report_failure());
  print_message("error", "internal error: terminated");
  leave_at_once(static_cast<int>(Exit::internal));
}

/// Where the caller closed one of the three, the next file to be opened would take its place and
/// receive what is meant for a person. What is there instead fails when it is used.
void open_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest number that is free is this one.
    static_cast<void>(::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace
}  // namespace gpuconv

int main(int argc, char** argv) {
  gpuconv::open_standard_streams();
  // A pipe that nobody reads and a file that grows too large are then errors of write(), with a
  // name and a reason, instead of a silent death.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  gpuconv::catch_signals();
  std::set_terminate(gpuconv::end_where_nobody_catches);
  try {
    return gpuconv::run(argc, argv);
  } catch (...) {
    return gpuconv::report_failure();
  }
}
