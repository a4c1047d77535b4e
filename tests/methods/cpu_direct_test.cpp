// cpu_direct_test.cpp - cpu-naive and cpu-threads: sums of products, exact where floats are
#include <gtest/gtest.h>

#include <stdexcept>

#include "host/methods/cpu_naive.hpp"
#include "host/methods/cpu_threads.hpp"
#include "tests/methods/cpu_reference.hpp"

namespace gpuconv::test {
namespace {

struct Direct {
  const char* name;
  ConvolveEar convolve;
};

class DirectMethod : public ::testing::TestWithParam<Direct> {
 protected:
  Signal run(const Signal& source, const Signal& response) const {
    return run_ear(GetParam().convolve, source, response);
  }
};

// Vectors of 4, 8, 16 and eight of them, a chunk of taps, a tile of outputs.
const std::vector<std::size_t> kEdges = {16, 32, 64, 128, 256, 1024, 2048, 4096};

TEST_P(DirectMethod, AgreesWithTheDefinitionWhereAnIndexCanBeOffByOne) {
  for (const auto& [N, K] : lengths_around(kEdges)) {
    const Signal source = noise(N, 1);
    const Signal response = decaying_noise(K, 2);
    ASSERT_TRUE(is_close(run(source, response), reference(source, response), direct_bound(K), true))
        << N << " samples, " << K << " taps";
  }
}

TEST_P(DirectMethod, GivesWholeNumbersExactly) {
  for (const auto& [N, K] : lengths_around(kEdges)) {
    // 60 * 60 * 4097 < 2^24: each partial sum is a float.
    const Signal source = integers(N, 60, 1);
    const Signal response = integers(K, 60, 2);
    const Signal wet = run(source, response);
    const Reference expected = reference(source, response);
    for (std::size_t n = 0; n < wet.size(); ++n) {
      // The reference may be a transform in double, 1e-8 off.
      ASSERT_EQ(wet[n], std::round(expected.wet[n])) << N << ' ' << K << ' ' << n;
    }
  }
}

TEST_P(DirectMethod, GivesTheResponseToAnImpulseExactly) {
  const Signal response = noise(1500, 1);
  for (const std::size_t position : {0, 1, 1023, 2047, 2048, 2999}) {
    Signal source(3000);
    source[position] = 1.0F;
    Signal expected(4499);
    std::copy(response.begin(), response.end(),
              expected.begin() + static_cast<std::ptrdiff_t>(position));
    EXPECT_EQ(run(source, response), expected) << position;
    EXPECT_EQ(run(response, source), expected) << position;
  }
}

TEST_P(DirectMethod, KeepsSilenceSilent) {
  EXPECT_EQ(run(Signal(700), noise(300, 1)), Signal(999));
  EXPECT_EQ(run(noise(700, 1), Signal(300)), Signal(999));
}

TEST_P(DirectMethod, KeepsALongSumWithinItsBound) {
  const Signal source = noise(24000, 1);
  const Signal response = noise(20000, 2);
  EXPECT_TRUE(is_close(run(source, response), reference(source, response),
                       direct_bound(response.size()), true));
}

TEST_P(DirectMethod, RefusesLengthsThatDoNotFit) {
  const Signal three(3);
  Signal wet(5);
  EXPECT_THROW(GetParam().convolve({}, three, wet), std::invalid_argument);
  EXPECT_THROW(GetParam().convolve(three, {}, wet), std::invalid_argument);
  for (const std::size_t wrong : {4, 6}) {
    wet.assign(wrong, 0.0F);
    try {
      GetParam().convolve(three, three, wet);
      FAIL() << wrong;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()),
                "the wet signal needs 5 samples, not " + std::to_string(wrong));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, DirectMethod,
                         ::testing::Values(Direct{"naive", convolve_naive},
                                           Direct{"threads", convolve_threads}),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(CpuThreads, GivesTheSameBytesOnAnyNumberOfThreads) {
  const Signal source = noise(30000, 1);
  const Signal response = noise(2500, 2);
  const auto on = [&](int threads) {
    Signal wet(source.size() + response.size() - 1);
    convolve_threads(source, response, wet, threads);
    return wet;
  };
  const Signal one = on(1);
  for (const int threads : {0, 2, 3, 7, 64}) EXPECT_EQ(on(threads), one) << threads;
}

}  // namespace
}  // namespace gpuconv::test
