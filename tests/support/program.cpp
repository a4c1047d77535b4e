#include "tests/support/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Ended run_program(const std::vector<std::string>& arguments,
                  const std::vector<std::string>& variables, Sent sent) {
  constexpr unsigned kSeconds = 10;
  const Folder folder;
  const std::string err = folder.file("err");
  std::vector<std::string> words{GPUCONV_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process can be started");
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDWR);
    const int file = ::open(err.c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::alarm(kSeconds);  // stays set
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  if (sent.signal != 0) {
    ::usleep(static_cast<useconds_t>(1e6 * sent.seconds));
    ::kill(child, sent.signal);  // one that has ended is still there to be waited for
    if (sent.signal == SIGSTOP) {
      ::usleep(static_cast<useconds_t>(1e6 * sent.seconds));
      ::kill(child, SIGCONT);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          read_bytes(err)};
}

}  // namespace gpuconv::test
