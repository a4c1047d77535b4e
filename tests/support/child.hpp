// child.hpp - the program as a process of its own, that can be sent signals
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gpuconv::test {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Child {
 public:
  /// Starts GPUCONV_PROGRAM. Standard error goes to the file `err`; standard input and output are
  /// descriptors of the caller's, or his own.
  Child(std::vector<std::string> arguments, const std::string& err, int in = STDIN_FILENO,
        int out = STDOUT_FILENO) {
    arguments.insert(arguments.begin(), GPUCONV_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) throw std::runtime_error("no process can be started");
    if (id_ > 0) return;
    const int file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const bool is_ready = ::dup2(in, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 &&
                          ::dup2(file, STDERR_FILENO) >= 0;
    if (is_ready) ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }

  pid_t id() const { return id_; }

  void send(int signal) const { ::kill(id_, signal); }

  /// Its exit code, or -1 if a signal killed it.
  int wait() {
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_;
};

/// Waits, for at most a minute, until `condition` holds.
template <typename Condition>
bool eventually(Condition condition) {
  const auto start = std::chrono::steady_clock::now();
  while (!condition()) {
    if (seconds_since(start) > 60) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace gpuconv::test
