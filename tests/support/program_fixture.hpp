// program_fixture.hpp - the program as people meet it: what it prints, its exit codes, what it
// leaves
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
  long most_memory;  ///< KiB
};

inline std::string quoted(const std::string& argument) {
  std::string text(1, '\'');
  return text.append(argument).append(1, '\'');
}

class Program : public ::testing::Test {
 protected:
  /// `redirected` is what a shell understands; what it does not mention goes into a file.
  Outcome run(const std::vector<std::string>& arguments, const std::string& redirected = "") const {
    std::string command = quoted(GPUCONV_PROGRAM);
    for (const std::string& argument : arguments) command.append(" ").append(quoted(argument));
    command.append(" >").append(quoted(logs_.file("out")));
    command.append(" 2>").append(quoted(logs_.file("err")));
    command.append(" ").append(redirected);
    const pid_t shell = ::fork();
    if (shell == 0) {
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    ::wait4(shell, &status, 0, &usage);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_bytes(logs_.file("out")),
            read_bytes(logs_.file("err")), usage.ru_maxrss};
  }

  Outcome render(const std::string& input, const std::string& response,
                 std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"render", input, response, wet()});
    return run(options);
  }

  std::string wet() const { return folder_.file("wet.wav"); }
  bool is_empty_of_output() const { return !std::filesystem::exists(wet()); }

  /// One error line that contains all parts, the exit code, and no output file, not even a
  /// temporary one.
  void expect_refusal(const Outcome& outcome, int exit_code,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("error: ", 0), 0u) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_TRUE(says(outcome.err, parts));
    EXPECT_EQ(outcome.out, "");
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path().filename().string().find("wet"), std::string::npos);
    }
  }

  const Folder folder_;
  const Folder logs_;
  const std::string source_ = float_wav(folder_, "source.wav", 1, noise(2000, 1));
  const std::string room_ = float_wav(folder_, "room.wav", 2, noise(600, 2));
};

}  // namespace gpuconv::test
