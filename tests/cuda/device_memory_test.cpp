// device_memory_test.cpp - the library on memory of the device, in a stream of the caller
#include <gtest/gtest.h>

#include "cuda/runtime/resources.hpp"
#include "gpuconv/plan.hpp"
#include "host/base/noise.hpp"
#include "host/methods/method.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

class DeviceMemory : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }
};

TEST_P(DeviceMemory, HoldsTheBytesThatTheHostWouldGet) {
  constexpr std::size_t K = 150;
  const Stereo<Signal> response{decaying_noise(K, 2), decaying_noise(K, 3)};
  const Plan plan({response.left, response.right}, {.method = std::string(GetParam()->name)});
  EXPECT_EQ(plan.device(), 0);
  const Stream stream;
  // An address that is a multiple of 4 bytes only, and a length that needs padding.
  for (const std::size_t N : {1U, 333U, 1001U}) {
    const Signal source = noise(N, 1);
    Stereo<Signal> expected{Signal(N + K - 1), Signal(N + K - 1)};
    plan.convolve(source, {expected.left, expected.right});
    DeviceBuffer<float> on_device(N + 1);
    upload_async<float>(source, on_device.span().subspan(1), stream);
    const DeviceBuffer<float> wet(2 * (N + K - 1));
    const Stereo<std::span<float>> ears{wet.span().first(N + K - 1), wet.span().last(N + K - 1)};
    for (int again = 0; again < 2; ++again) {
      plan.enqueue(on_device.span().subspan(1), ears, stream.get());
      Signal frames(2 * (N + K - 1));
      download_async<float>(wet.span(), frames, stream);
      stream.synchronize();
      EXPECT_TRUE(std::equal(expected.left.begin(), expected.left.end(), frames.begin()));
      EXPECT_TRUE(std::equal(expected.right.rbegin(), expected.right.rend(), frames.rbegin()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Gpu, DeviceMemory, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) {
                             if (method.processor == Processor::gpu) all.push_back(&method);
                           }
                           return all;
                         }()),
                         [](const auto& one) { return test_name(one.param->name); });

TEST(DeviceMemoryTest, NeedsAGpuMethod) {
  const Signal taps(3, 1.0F);
  Signal source(3), wet(5);
  const Plan plan({taps, taps}, {.method = "cpu-naive"});
  EXPECT_THROW(plan.enqueue(source, {wet, wet}, nullptr), Error);
}

}  // namespace
}  // namespace gpuconv::test
