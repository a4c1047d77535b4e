// command_input_test.cpp - recordings that a command prints
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "host/read/source.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

Signal read_command(const std::string& command, SourceOptions options = {}) {
  options.is_command = true;
  SourceReader reader(command, options);
  Signal samples(std::size_t{1} << 20);
  samples.resize(reader.read(samples));
  return samples;
}

std::string failure_of(const std::string& command, const SourceOptions& options = {}) {
  return message_of<FileError>([&] { read_command(command, options); });
}

/// Whether this process has no children left, not even dead ones.
bool has_no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

class CommandInput : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(has_no_children()); }

  const Folder folder_;
  const Signal sound_ = noise(100'000, 5);
  const std::string wav_ = float_wav(folder_, "a b.wav", 1, sound_);
  const std::string cat_ = "cat '" + wav_ + "'";
};

TEST_F(CommandInput, IsReadLikeAPipe) {
  EXPECT_EQ(read_command(cat_), sound_);
  EXPECT_EQ(read_command(cat_ + " | cat |"), sound_) << "as Kaldi writes it";
  EXPECT_EQ(read_command(cat_ + "|  "), sound_);
  SourceOptions part;
  part.offset = 1;
  part.duration = 0.5;
  EXPECT_EQ(read_command(cat_, part), Signal(sound_.begin() + 16'000, sound_.begin() + 24'000));
}

TEST_F(CommandInput, HasNothingToRead) { EXPECT_EQ(read_command("cat - >&2; " + cat_), sound_); }

TEST_F(CommandInput, ThatFailsIsAnErrorWhenItFails) {
  EXPECT_TRUE(says(failure_of("exit 3 |"), {"exit 3 |: the command failed (exit code 3)"}));
  EXPECT_TRUE(says(failure_of(cat_ + "; exit 3"), {"the command failed (exit code 3)"}));
  EXPECT_TRUE(says(failure_of(cat_ + "; sleep 0.1; exit 3"), {"the command failed (exit code 3)"}));
  EXPECT_TRUE(says(failure_of("head -c 1000 '" + wav_ + "'; exit 4"), {"failed (exit code 4)"}));
  EXPECT_TRUE(says(failure_of("head -c 20 '" + wav_ + "'; exit 5"), {"failed (exit code 5)"}));
  EXPECT_TRUE(says(failure_of("no-such-program-here 2>/dev/null"), {"failed (exit code 127)"}));
  EXPECT_TRUE(says(failure_of(cat_ + "; kill -TERM $$"), {"was ended by signal 15"}));
}

TEST_F(CommandInput, ThatPrintsTooLittleIsAnErrorThoughItSucceeds) {
  EXPECT_TRUE(says(failure_of("true"), {"true: is empty"}));
  EXPECT_TRUE(says(failure_of("head -c 1000 '" + wav_ + "'"), {"is truncated"}));
  EXPECT_TRUE(says(failure_of("echo hello"), {"echo hello: this is text"}));
}

TEST_F(CommandInput, IsNotLeftBehindWhereItsSoundIsNotWanted) {
  const auto begin = std::chrono::steady_clock::now();
  const auto pid_of = [&](const std::string& name) {
    return std::stoi(read_bytes(folder_.file(name)));
  };
  const std::string pid_file = folder_.file("pid");
  const std::string sleeper = "sh -c 'echo $$ >" + pid_file + "; exec sleep 100' & while ! [ -s " +
                              pid_file + " ]; do sleep 0.01; done; ";
  SourceOptions part;
  part.duration = 0.5;
  EXPECT_EQ(read_command(sleeper + cat_ + "; wait", part).size(), 8000u);
  // Its child is somebody else's to reap.
  const auto is_gone = [](int pid) { return ::kill(pid, 0) != 0; };
  const auto is_dead = [](int pid) {
    const std::string stat = read_bytes("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  };
  const int pid = pid_of("pid");
  for (int i = 0; i < 100 && !is_gone(pid) && !is_dead(pid); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(is_gone(pid) || is_dead(pid));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace gpuconv::test
