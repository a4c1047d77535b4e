// interrupt_test.cpp - the program is asked to stop: when it is gone, and what it leaves
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>
#include <optional>

#include "host/files/file_descriptor.hpp"
#include "tests/support/child.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

class Signals : public ::testing::Test {
 protected:
  /// A job of many seconds that has no place to stop at.
  std::vector<std::string> long_sum() const {
    return {"render", source_, room_, wet(), "-q", "-m", "cpu-naive"};
  }

  std::string wet() const { return outputs_.file("wet.wav"); }
  bool has_temporary() const { return outputs_.count() == 2; }  // beside the old output
  std::string err() const { return read_bytes(inputs_.file("err")); }

  /// `child` has ended within a second of `asked` and left everything as it was.
  void expect_stopped(Child& child, int signal, std::chrono::steady_clock::time_point asked) {
    EXPECT_EQ(child.wait(), 128 + signal) << err();
    EXPECT_LT(seconds_since(asked), 1.0);
    EXPECT_EQ(read_bytes(wet()), "old");
    EXPECT_EQ(outputs_.count(), 1);
    const std::string said = err();
    EXPECT_EQ(said, std::string("error: stopped by a signal (") + ::sigdescr_np(signal) + ")\n");
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }

  void SetUp() override { write_bytes(wet(), "old"); }

  const Folder inputs_;
  const Folder outputs_;
  const std::string source_ = float_wav(inputs_, "source.wav", 1, noise(600'000, 1));
  const std::string room_ = float_wav(inputs_, "room.wav", 2, noise(160'000, 2));
};

TEST_F(Signals, EndASumThatGoesOnForLong) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Child child(long_sum(), inputs_.file("err"));
    ASSERT_TRUE(eventually([&] { return has_temporary(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // it is summing by now
    const auto asked = std::chrono::steady_clock::now();
    child.send(signal);
    expect_stopped(child, signal, asked);
  }
}

TEST_F(Signals, EndAJobWhoseTerminalIsGone) {
  std::vector<std::string> job = long_sum();
  job.pop_back();
  job.back() = "--progress";  // instead of a method
  job.insert(job.end(), {"-m", "cpu-naive", "--json", outputs_.file("report.json")});
  Child child(job, "/dev/full");
  ASSERT_TRUE(eventually([&] { return outputs_.count() == 3; }));
  child.send(SIGHUP);
  EXPECT_EQ(child.wait(), 128 + SIGHUP);
  EXPECT_EQ(outputs_.count(), 1);
  EXPECT_EQ(read_bytes(wet()), "old");
}

TEST_F(Signals, EndAStreamBetweenTwoBlocks) {
  const std::string pipe = inputs_.file("pipe.wav");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::signal(SIGPIPE, SIG_IGN);
#ifdef GPUCONV_EMULATED  // whose sanitizer reads a minute of sound ahead in ten seconds
  const std::vector<int> signals{SIGTERM};
#else
  const std::vector<int> signals{SIGINT, SIGTERM, SIGHUP};
#endif
  for (const int signal : signals) {
    Child child({"render", pipe, room_, wet(), "-q", "--device", "cpu"}, inputs_.file("err"));
    std::optional<std::chrono::steady_clock::time_point> asked;
    {
      const FileDescriptor writer(::open(pipe.c_str(), O_WRONLY));
      const std::string header = wav_bytes({3, 32, 1, 48'000}, "", 0xffffffff);
      ASSERT_EQ(::write(writer.get(), header.data(), header.size()), std::ssize(header));
      const std::vector<float> block(1 << 16);
      while (::write(writer.get(), block.data(), 4 * block.size()) > 0) {  // until nobody reads
        if (asked || !has_temporary()) continue;
        asked = std::chrono::steady_clock::now();
        child.send(signal);
      }
    }
    ASSERT_TRUE(asked) << err();
    expect_stopped(child, signal, *asked);
  }
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_F(Signals, EndTheWaitForAPipeThatSaysNothing) {
  const std::string pipe = inputs_.file("pipe.wav");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Child child({"render", pipe, room_, wet(), "-q"}, inputs_.file("err"));
  const FileDescriptor writer(::open(pipe.c_str(), O_WRONLY));
  const auto asked = std::chrono::steady_clock::now();
  child.send(SIGINT);
  expect_stopped(child, SIGINT, asked);
}

TEST_F(Signals, TheSecondOneIsNotKeptWaiting) {
  Child child(long_sum(), inputs_.file("err"));
  ASSERT_TRUE(eventually([&] { return has_temporary(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto asked = std::chrono::steady_clock::now();
  child.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // two at once may arrive as one
  child.send(SIGTERM);
  EXPECT_EQ(child.wait(), 128 + SIGTERM) << "the first one's patience would end with its own code";
  EXPECT_LT(seconds_since(asked), 1.0);
  EXPECT_EQ(read_bytes(wet()), "old");
  EXPECT_EQ(outputs_.count(), 1);
}

TEST_F(Signals, AreIgnoredWhereTheCallerIgnoresThem) {
  const auto before = std::signal(SIGHUP, SIG_IGN);  // as nohup does
  Child child(long_sum(), inputs_.file("err"));
  std::signal(SIGHUP, before);
  ASSERT_TRUE(eventually([&] { return has_temporary(); }));
  child.send(SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
  EXPECT_TRUE(has_temporary());
  child.send(SIGTERM);
  EXPECT_EQ(child.wait(), 128 + SIGTERM);
}

TEST_F(Signals, WhatAKilledProcessLeavesIsRemovedByTheNextOne) {
  const std::string other = float_wav(inputs_, "short.wav", 1, noise(100, 1));
  Child killed(long_sum(), inputs_.file("err"));
  ASSERT_TRUE(eventually([&] { return has_temporary(); }));
  Child alive(long_sum(), inputs_.file("err"));
  ASSERT_TRUE(eventually([&] { return outputs_.count() == 3; }));
  killed.send(SIGKILL);
  EXPECT_EQ(killed.wait(), -1);
  EXPECT_EQ(outputs_.count(), 3);
  Child next({"render", other, room_, wet(), "-q", "-g", "-60"}, inputs_.file("err"));
  EXPECT_EQ(next.wait(), 0) << err();
  EXPECT_EQ(outputs_.count(), 2) << "the output, and the temporary file of the one that lives";
}

}  // namespace
}  // namespace gpuconv::test
