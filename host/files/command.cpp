#include "host/files/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/spawn.hpp"

namespace gpuconv {
namespace {

/// How long a command whose output ended in vain may take to say that it failed.
constexpr std::chrono::milliseconds kPatience{500};
constexpr std::chrono::milliseconds kGlance{5};

std::string without_bar(std::string text) {
  const std::size_t end = text.find_last_not_of(" \t");
  if (end != text.npos && text[end] == '|') text.resize(end);
  return text;
}

}  // namespace

Command::Command(const std::string& text) : text_(text) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw FileError(text_, fmt::format("no pipe for the command ({})", std::strerror(errno)));
  }
  output_ = FileDescriptor(ends[0]);
  // A copy above the descriptors of the shell, which the caller of gpuconv may have closed.
  FileDescriptor theirs(ends[1]);
  const FileDescriptor input(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  Spawn shell;
  shell.give(input.get(), STDOUT_FILENO);
  shell.give_nothing(STDIN_FILENO, O_RDONLY);
  shell.lead_group();
  const int error =
      input ? shell.start("/bin/sh", {"sh", "-c", without_bar(text_)}, STDERR_FILENO + 1, process_)
            : errno;
  if (error != 0) {
    process_ = -1;
    throw FileError(text_, fmt::format("cannot be started ({})", std::strerror(error)));
  }
  group_.emplace(process_);
}

Command::~Command() {
  if (process_ < 0) return;
  ::kill(-process_, SIGKILL);
  int status = 0;
  while (!has_ended(status, 0)) {
  }
}

/// With WNOHANG: by now. Otherwise waits, but for signals.
bool Command::has_ended(int& status, int options) {
  siginfo_t info{};
  const int failed =
      ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT | options);
  if (failed != 0 ? errno == EINTR : info.si_pid == 0) return false;
  // What the shell has started in the background ends, too; while the shell is not reaped, its
  // number is nobody else's.
  ::kill(-process_, SIGKILL);
  group_.reset();
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return true;
}

void Command::finish(int output) {
  std::array<char, 1 << 16> dropped;
  for (;;) {
    const ssize_t got = ::read(output, dropped.data(), dropped.size());
    if (got == 0 || (got < 0 && errno != EINTR)) break;
    stop_if_interrupted();
  }
  int status = 0;
  while (!has_ended(status, 0)) stop_if_interrupted();
  check(status);
}

void Command::explain_failure(int output) {
  if (process_ < 0) return;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::array<char, 1 << 16> dropped;
  while (!must_stop() && std::chrono::steady_clock::now() < end) {
    int status = 0;
    if (has_ended(status, WNOHANG)) return check(status);
    pollfd waiting{output, POLLIN, 0};
    if (::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0) {
      if (::read(output, dropped.data(), dropped.size()) > 0) continue;
    }
    std::this_thread::sleep_for(kGlance);
  }
}

void Command::check(int status) const {
  if (WIFSIGNALED(status)) {
    throw FileError(text_, fmt::format("the command was ended by signal {} ({})", WTERMSIG(status),
                                       ::strsignal(WTERMSIG(status))));
  }
  if (WEXITSTATUS(status) != 0) {
    throw FileError(text_, fmt::format("the command failed (exit code {})", WEXITSTATUS(status)));
  }
}

}  // namespace gpuconv
