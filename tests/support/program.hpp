// program.hpp - the program as a process with an environment of its own
#pragma once

#include <string>
#include <vector>

namespace gpuconv::test {

/// What became of it.
struct Ended {
  int exit_code;  ///< -1 if a signal killed it
  int signal;     ///< that did, or 0; SIGALRM after 10 s
  std::string err;
};

/// A signal that the program is sent some time after its start. One that is stopped goes on after
/// as long again.
struct Sent {
  int signal = 0;  ///< 0: none
  double seconds = 0;
};

/// Runs GPUCONV_PROGRAM with `variables` ("NAME=VALUE") added to the environment, and waits.
Ended run_program(const std::vector<std::string>& arguments,
                  const std::vector<std::string>& variables = {}, Sent sent = {});

}  // namespace gpuconv::test
