// cpu_transform_test.cpp - cpu-dft, cpu-cooley-tukey and cpu-hybrid
#include <gtest/gtest.h>

#include <bit>
#include <stdexcept>

#include "host/methods/cpu_cooley_tukey.hpp"
#include "host/methods/cpu_dft.hpp"
#include "host/methods/cpu_hybrid.hpp"
#include "host/methods/fft_teaching.hpp"
#include "tests/methods/cpu_reference.hpp"

namespace gpuconv::test {
namespace {

void convolve_hybrid_by_default(std::span<const float> source, std::span<const float> response,
                                std::span<float> wet) {
  convolve_hybrid(source, response, wet);
}

struct Spectral {
  const char* name;
  ConvolveEar convolve;
  bool pads;
  std::size_t longest;  // that a test has time for
};

class SpectralMethod : public ::testing::TestWithParam<Spectral> {
 protected:
  Signal run(const Signal& source, const Signal& response) const {
    return run_ear(GetParam().convolve, source, response);
  }
  ErrorBound bound(std::size_t wet_length) const {
    return transform_bound(GetParam().pads ? std::bit_ceil(wet_length) : wet_length);
  }
  void expect_convolution(std::size_t N, std::size_t K) const {
    const Signal source = noise(N, 1);
    const Signal response = decaying_noise(K, 2);
    EXPECT_TRUE(
        is_close(run(source, response), reference(source, response), bound(N + K - 1), false))
        << N << " samples, " << K << " taps";
  }
};

TEST_P(SpectralMethod, AgreesWithTheDefinitionWhereAnIndexCanBeOffByOne) {
  for (const auto& [N, K] : lengths_around({16, 32, 64, 128, 256, 1024})) {
    if (N + K > GetParam().longest) continue;
    expect_convolution(N, K);
  }
}

// The notebook this program grew out of did not pad at all when N+K-1 was a power of two already,
// and then multiplied spectra of different lengths.
TEST_P(SpectralMethod, NeedsNoRoomBeyondAPowerOfTwo) {
  for (std::size_t L = 1; L <= GetParam().longest; L *= 2) {
    for (const std::size_t K : {std::size_t{1}, L / 3 + 1, L}) {
      expect_convolution(L + 1 - K, K);
      expect_convolution(L + 2 - K, K);
    }
  }
}

TEST_P(SpectralMethod, RoundsToWholeNumbersForWholeNumbers) {
  const Signal source = integers(900, 100, 1);
  const Signal response = integers(120, 7, 2);
  const Signal wet = run(source, response);
  const Reference expected = reference(source, response);
  for (std::size_t n = 0; n < wet.size(); ++n) ASSERT_EQ(std::round(wet[n]), expected.wet[n]) << n;
}

TEST_P(SpectralMethod, KeepsSilenceSilent) {
  EXPECT_EQ(run(Signal(100), noise(30, 1)), Signal(129));
  EXPECT_EQ(run(noise(100, 1), Signal(30)), Signal(129));
}

TEST_P(SpectralMethod, RefusesLengthsThatDoNotFit) {
  const Signal three(3);
  Signal wet(6);
  EXPECT_THROW(GetParam().convolve({}, three, wet), std::invalid_argument);
  EXPECT_THROW(GetParam().convolve(three, {}, wet), std::invalid_argument);
  EXPECT_THROW(GetParam().convolve(three, three, wet), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(
    , SpectralMethod,
    ::testing::Values(Spectral{"dft", convolve_dft, false, 1100},
                      Spectral{"cooley_tukey", convolve_cooley_tukey, true, 1 << 17},
                      Spectral{"hybrid", convolve_hybrid_by_default, true, 1 << 17}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(CpuHybrid, AgreesWithTheDefinitionForEveryLeaf) {
  for (const std::size_t N : {1, 2, 5, 60, 700}) {
    const Signal source = noise(N, 1);
    const Signal response = noise(40, 2);
    for (int leaf = 1; leaf <= 256; leaf *= 2) {
      Signal wet(N + 39);
      convolve_hybrid(source, response, wet, leaf);
      ErrorBound bound = transform_bound(padded_length(wet.size()));
      const double growth = std::sqrt(std::max(1.0, leaf / 8.0));  // of a float sum
      bound.relative *= growth;
      bound.peak *= growth;
      EXPECT_TRUE(is_close(wet, reference(source, response), bound, false))
          << N << " samples, leaf " << leaf;
    }
  }
}

TEST(CpuHybrid, RefusesALeafThatIsNoPowerOfTwo) {
  const Signal three(3);
  Signal wet(5);
  for (const int leaf : {-8, -1, 0, 3, 24}) {
    EXPECT_THROW(convolve_hybrid(three, three, wet, leaf), std::invalid_argument) << leaf;
  }
}

TEST(TeachingTransform, PadsToTheNextPowerOfTwoAndNoFurther) {
  EXPECT_EQ(padded_length(1), 1u);
  EXPECT_EQ(padded_length(2), 2u);
  EXPECT_EQ(padded_length(3), 4u);
  EXPECT_EQ(padded_length(262144), 262144u);
  EXPECT_EQ(padded_length(262145), 524288u);
}

}  // namespace
}  // namespace gpuconv::test
