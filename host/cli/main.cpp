#include <csignal>
#include <new>

#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/error.hpp"

int main(int argc, char** argv) {
  using gpuconv::Exit;
  using gpuconv::print_message;
  // A pipe that nobody reads and a file that grows too large are then errors of write(), with a
  // name and a reason, instead of a silent death.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return gpuconv::run(argc, argv);
  } catch (const gpuconv::Error& error) {
    print_message("error", error.what());
    return static_cast<int>(error.exit());
  } catch (const std::bad_alloc&) {
    print_message("error", "out of memory");
    return static_cast<int>(Exit::gpu);
  } catch (const std::exception& error) {
    print_message("error", std::string("internal error: ") + error.what());
    return static_cast<int>(Exit::internal);
  }
}
