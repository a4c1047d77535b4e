// cufft_chains_test.cpp - what the benchmark's problems do not reach
#include "cuda/peers/cufft_chains.hpp"

#include <gtest/gtest.h>

#include "cuda/methods/lengths.hpp"
#include "cuda/methods/plans.hpp"
#include "cuda/runtime/device.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {
namespace {

class CufftChains : public ::testing::Test {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
    if (const std::string reason = why_no_cufft(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(CufftChains, OverlapSaveIsRightWithALastBatchThatIsNotFull) {
  const Signal source = noise(1000, 1);
  const Stereo<Signal> response{noise(9, 2), noise(9, 3)};
  // 18 windows advance by 56 samples; five at a time leaves three.
  const auto chain =
      plan_cufft_overlap_save_in_batches({response.left, response.right}, {source, 1}, 64, 5 * 64);
  const Stream stream;
  for (int times = 0; times < 2; ++times) {  // what the last batch leaves is no part of the next
    chain->poison(stream);
    chain->enqueue(stream);
  }
  for (const Side side : kSides) {
    Signal wet(1008);
    chain->download(side, wet, stream);
    stream.synchronize();
    const Reference expected = reference(source, response[side]);
    for (std::size_t n = 0; n < wet.size(); ++n) ASSERT_NEAR(wet[n], expected.wet[n], 1e-5) << n;
  }
}

TEST_F(CufftChains, RefuseWhatExceedsTheirLimits) {
  const Signal samples = noise(9, 1);
  const Stereo<std::span<const float>> response{samples, samples};
  EXPECT_THROW(plan_cufft_overlap_save(response, {samples, 1}, 8), std::invalid_argument)
      << "fewer than taps";
  EXPECT_THROW(plan_cufft_straightforward(response, {samples, 9}, 1 << 28), std::invalid_argument)
      << "an index would not fit an int";
}

}  // namespace
}  // namespace gpuconv::test
