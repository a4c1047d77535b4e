// device_clock_test.cpp - every timed run on a GPU has the same start, and nothing else in its time
#include "host/bench/device_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "host/bench/contender.hpp"

#ifdef GPUCONV_EMULATED
#include "tests/emulation/emulation.hpp"
#endif

namespace gpuconv::test {
namespace {

class DeviceClock : public ::testing::Test {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
    device_ = devices.list.front();
  }

  Device device_;
};

struct CountedWork final : DeviceWork {
  explicit CountedWork(int& count) : queued(count) {}
  void enqueue(const Stream&) override { ++queued; }
  Stereo<Signal> wet(const Stream&) override { return {}; }
  int& queued;
};

TEST_F(DeviceClock, WarmsUpBeforeAWarmRunAndNotBeforeAColdOne) {
  int queued = 0;
  const auto plan = time_on_device(std::make_unique<CountedWork>(queued));
  plan->run();
  EXPECT_EQ(queued, 2);
  plan->run_once();
  EXPECT_EQ(queued, 3);
  EXPECT_GE(plan->run_cold().value(), 0);
  EXPECT_EQ(queued, 4);
}

#ifdef GPUCONV_EMULATED
/// How often each of these calls happens in `run`.
template <typename Run>
std::vector<std::ptrdiff_t> counts_of(std::initializer_list<const char*> names, const Run& run) {
  emulation::forget();
  run();
  std::vector<std::ptrdiff_t> counts;
  for (const char* const name : names) {
    counts.push_back(std::count(emulation::calls().begin(), emulation::calls().end(), name));
  }
  return counts;
}

using Counts = std::vector<std::ptrdiff_t>;

TEST_F(DeviceClock, StartsWarmAndColdRunsBehindTheSameReads) {
  int queued = 0;
  const auto plan = time_on_device(std::make_unique<CountedWork>(queued));
  const auto reads_and_writes = {"cubTransformReduce", "cudaMemsetAsync", "cudaMalloc"};
  EXPECT_EQ(counts_of(reads_and_writes, [&] { plan->run(); }), (Counts{2, 0, 0}));
  EXPECT_EQ(counts_of(reads_and_writes, [&] { plan->run_cold(); }), (Counts{2, 0, 0}));
}

// Events of ears that have no streams of their own once stood in the time.
TEST_F(DeviceClock, TimesNoEventsOfMethodsThatComputeBothEarsAtOnce) {
  const Problem problem{"p", 64, 9};
  const Sounds sounds(problem);
  const auto waits = [&](const char* method) {
    const auto plan = plan_on_gpu(find_method(method), problem, sounds, device_, RunKind::launches);
    return counts_of({"cudaEventRecord", "cudaStreamWaitEvent"}, [&] { plan->run_once(); });
  };
  EXPECT_EQ(waits("gpu-fused"), (Counts{0, 0}));
  EXPECT_EQ(waits("gpu-fourstep"), (Counts{0, 0}));
  EXPECT_EQ(waits("gpu-tiled"), (Counts{3, 4}));  // two ears share the source, and end
}
#endif

}  // namespace
}  // namespace gpuconv::test
