// worker_test.cpp - a thread that waits for a pipe ends when it is asked to
#include "host/base/worker.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <vector>

#include "host/base/interrupt.hpp"
#include "tests/support/child.hpp"
#include "tests/support/pipe.hpp"

namespace gpuconv::test {
namespace {

TEST(WorkerTest, RunsItsBodyAndWaitsForIt) {
  const std::atomic<bool> stop = false;
  std::thread::id seen;
  bool must = true;
  {
    const Worker worker(stop, [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      must = must_stop();
      seen = std::this_thread::get_id();
    });
  }
  EXPECT_FALSE(must);
  EXPECT_NE(seen, std::thread::id());
  EXPECT_NE(seen, std::this_thread::get_id());
}

TEST(WorkerTest, ObeysItsOwnFlagOnly) {
  std::atomic<bool> stop = true;
  std::string words;
  {
    const Worker worker(stop, [&] {
      try {
        stop_if_interrupted();
      } catch (const Interrupted& interrupted) {
        words = interrupted.what();
      }
    });
  }
  EXPECT_EQ(words, "stopped, since another thread has failed");
  EXPECT_FALSE(must_stop());
  EXPECT_NO_THROW(stop_if_interrupted());
}

/// Runs `wait`, which returns what a system call returned, until it is interrupted.
template <typename Wait>
void expect_interrupted(Wait wait) {
  std::atomic<bool> stop = false;
  int error = 0;
  std::optional<Worker> worker;
  worker.emplace(stop, [&] {
    do {
      errno = 0;
    } while (wait() < 0 && errno == EINTR && !must_stop());
    error = errno;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it waits by now, or soon
  const auto asked = std::chrono::steady_clock::now();
  stop = true;
  worker.reset();
  EXPECT_EQ(error, EINTR);
  EXPECT_LT(seconds_since(asked), 5.0);
}

TEST(WorkerTest, LeavesAReadThatGetsNothing) {
  const Pipe pipe;
  char byte = 0;
  expect_interrupted([&] { return ::read(pipe.reading.get(), &byte, 1); });
}

TEST(WorkerTest, LeavesAWriteThatNobodyTakes) {
  const Pipe pipe;
  const std::vector<char> more(1 << 22);  // than a pipe holds
  std::size_t written = 0;
  expect_interrupted([&]() -> ssize_t {
    const ssize_t now = ::write(pipe.writing.get(), more.data(), more.size());
    if (now < 0) return now;
    written += static_cast<std::size_t>(now);  // interrupted after a part: once more
    errno = EINTR;
    return -1;
  });
  EXPECT_GT(written, 0u);
}

TEST(WorkerTest, LeavesAReadThoughItsStarterBlocksSignals) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const Pipe pipe;
  char byte = 0;
  expect_interrupted([&] { return ::read(pipe.reading.get(), &byte, 1); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace gpuconv::test
