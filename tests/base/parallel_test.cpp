// parallel_test.cpp - how many cores there are in a container
#include "host/base/parallel.hpp"

#include <thread>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

TEST(CpuQuota, IsTheLeastOnTheWayToTheRoot) {
  const Folder folder;
  std::filesystem::create_directories(folder.file("job/step"));
  const auto quota = [&](const std::string& membership) {
    return cpu_quota(folder.path(), membership);
  };
  EXPECT_EQ(quota("0::/job/step\n"), std::nullopt);
  write_bytes(folder.file("job/step/cpu.max"), "max 100000\n");
  EXPECT_EQ(quota("0::/job/step\n"), std::nullopt);
  write_bytes(folder.file("job/cpu.max"), "250000 100000\n");
  EXPECT_EQ(quota("0::/job/step\n"), 2.5);
  EXPECT_EQ(quota("0::/job/step"), 2.5);
  EXPECT_EQ(quota("0::/\n"), std::nullopt);
  write_bytes(folder.file("job/step/cpu.max"), "50000 100000\n");
  EXPECT_EQ(quota("0::/job/step\n"), 0.5);
  EXPECT_EQ(quota("12:cpuset:/\n0::/job\n"), 2.5);
  // What a container sees of itself.
  write_bytes(folder.file("cpu.max"), "150000 100000\n");
  EXPECT_EQ(quota("0::/\n"), 1.5);
}

TEST(CpuQuota, OfOtherVersionsAndNonsenseIsNone) {
  const Folder folder;
  write_bytes(folder.file("cpu.max"), "0 0\n");
  for (const char* const membership : {"", "4:cpu:/job\n", "0::job\n", "0::/\n", "x0::/\n"}) {
    EXPECT_EQ(cpu_quota(folder.path(), membership), std::nullopt) << membership;
  }
}

TEST(ThreadLimitTest, HoldsForItsThreadAsLongAsItLives) {
  const auto workers_of = [](int threads) {
    int count = 0;
    run_workers(threads, [&](int worker, int workers) {
      if (worker == 0) count = workers;
    });
    return count;
  };
  EXPECT_EQ(thread_count(), core_count());
  {
    const ThreadLimit limit(3);
    EXPECT_EQ(thread_count(), 3);
    EXPECT_EQ(workers_of(0), 3);
    EXPECT_EQ(workers_of(2), 2) << "who names a number gets it";
    const ThreadLimit inner(1);
    EXPECT_EQ(workers_of(0), 1);
    int elsewhere = 0;
    std::jthread([&] { elsewhere = thread_count(); }).join();
    EXPECT_EQ(elsewhere, core_count());
  }
  EXPECT_EQ(thread_count(), core_count());
}

}  // namespace
}  // namespace gpuconv::test
