// properties_test.cpp - what convolution is, whatever the numbers
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

double norm(const Signal& signal) {
  double sum = 0;
  for (const float sample : signal) sum += double{sample} * double{sample};
  return std::sqrt(sum);
}

class Properties : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }

  static constexpr int kCases = 20;

  /// Lengths of case `i`; every property is tried on all of them.
  static std::pair<std::size_t, std::size_t> lengths(int i) {
    Random random(static_cast<std::uint64_t>(i) + 100 * test_seed());
    return {static_cast<std::size_t>(random.integer(1, 700)),
            static_cast<std::size_t>(random.integer(1, 300))};
  }

  Signal convolve(const Signal& source, const Signal& response) const {
    return run(*GetParam(), source, {response, response}).left;
  }

  /// ||a - b|| within `times` times what one convolution of x and h may be off.
  void expect_equal(const Signal& a, const Signal& b, const Signal& x, const Signal& h,
                    double times) const {
    ASSERT_EQ(a.size(), b.size());
    double squares = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
      squares += std::pow(double{a[n]} - double{b[n]}, 2);
    }
    const double bound = error_bound(*GetParam(), static_cast<std::int64_t>(x.size()),
                                     static_cast<std::int64_t>(h.size()))
                             .relative;
    const double allowed = times * bound * std::max(norm(a), norm(x) * norm(h));
    EXPECT_TRUE(std::sqrt(squares) <= allowed)
        << x.size() << " samples, " << h.size() << " taps: " << std::sqrt(squares) << ", allowed "
        << allowed;
  }
};

TEST_P(Properties, SumsConvolveToSums) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const Signal a = noise(N, 1);
    const Signal b = noise(N, 2);
    const Signal h = noise(K, 3);
    Signal both(N);
    for (std::size_t n = 0; n < N; ++n) both[n] = 0.5f * a[n] + 0.25f * b[n];
    const Signal wet_a = convolve(a, h);
    const Signal wet_b = convolve(b, h);
    Signal sum(wet_a.size());
    for (std::size_t n = 0; n < sum.size(); ++n) sum[n] = 0.5f * wet_a[n] + 0.25f * wet_b[n];
    expect_equal(convolve(both, h), sum, a, h, 3);
  }
}

TEST_P(Properties, SourceAndResponseCanBeExchanged) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const Signal x = noise(N, 1);
    const Signal h = noise(K, 2);
    // Either order may have the larger bound.
    const bool is_shorter = N < K;
    expect_equal(convolve(x, h), convolve(h, x), is_shorter ? h : x, is_shorter ? x : h, 4);
  }
}

TEST_P(Properties, ADelayedSourceGivesADelayedWetSignal) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const std::size_t delay = static_cast<std::size_t>(1 + 37 * i);
    const Signal x = noise(N, 1);
    const Signal h = noise(K, 2);
    Signal late(delay);
    late.insert(late.end(), x.begin(), x.end());
    Signal expected(delay);
    const Signal wet = convolve(x, h);
    expected.insert(expected.end(), wet.begin(), wet.end());
    expect_equal(convolve(late, h), expected, late, h, 2.5);
  }
}

TEST_P(Properties, ReversedSignalsGiveAReversedWetSignal) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    Signal x = noise(N, 1);
    Signal h = noise(K, 2);
    Signal wet = convolve(x, h);
    std::reverse(x.begin(), x.end());
    std::reverse(h.begin(), h.end());
    std::reverse(wet.begin(), wet.end());
    expect_equal(convolve(x, h), wet, x, h, 2);
  }
}

TEST_P(Properties, TwoHalvesAddUpToTheWhole) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const Signal x = noise(N + 1, 1);
    const Signal h = noise(K, 2);
    const std::size_t half = x.size() / 2;
    const Signal first = convolve({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(half)}, h);
    const Signal second = convolve({x.begin() + static_cast<std::ptrdiff_t>(half), x.end()}, h);
    Signal sum(x.size() + K - 1);
    std::copy(first.begin(), first.end(), sum.begin());
    for (std::size_t n = 0; n < second.size(); ++n) sum[half + n] += second[n];
    expect_equal(convolve(x, h), sum, x, h, 3);
  }
}

TEST_P(Properties, TheSumOfTheWetSignalIsTheProductOfTheSums) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const Signal x = noise(N, 1);
    const Signal h = noise(K, 2);
    const auto sum = [](const Signal& signal) {
      return std::accumulate(signal.begin(), signal.end(), 0.0);
    };
    const double bound =
        error_bound(*GetParam(), static_cast<std::int64_t>(N), static_cast<std::int64_t>(K))
            .relative;
    // |sum of errors| <= sqrt(length) ||errors||
    EXPECT_NEAR(sum(convolve(x, h)), sum(x) * sum(h),
                bound * std::sqrt(static_cast<double>(N + K)) * norm(x) * norm(h) *
                    std::sqrt(static_cast<double>(std::min(N, K))));
  }
}

TEST_P(Properties, AnImpulseAsResponseGivesTheSourceBack) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    const Signal x = noise(N, 1);
    const std::size_t at = static_cast<std::size_t>(i) * 7 % K;
    Signal h(K);
    h[at] = 1;
    Signal expected(N + K - 1);
    std::copy(x.begin(), x.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));
    if (GetParam()->is_direct) {
      EXPECT_EQ(convolve(x, h), expected);
    } else {
      expect_equal(convolve(x, h), expected, x, h, 1);
    }
  }
}

TEST_P(Properties, WholeNumbersStayWholeAsFarAsFloatReaches) {
  for (int i = 0; i < kCases; ++i) {
    const auto [N, K] = lengths(i);
    // Direct: K Mx Mh <= 2^24. FFT: Mx Mh sqrt(K) <= 2^18.
    const int largest = GetParam()->is_direct
                            ? static_cast<int>((1 << 24) / (7 * static_cast<int>(K)))
                            : static_cast<int>((1 << 18) / (7 * std::sqrt(K)));
    const Signal x = integers(N, largest, 1);
    const Signal h = integers(K, 7, 2);
    const Reference expected = reference(x, h);
    const Signal wet = convolve(x, h);
    for (std::size_t n = 0; n < wet.size(); ++n) {
      const double seen = GetParam()->is_direct ? wet[n] : std::round(wet[n]);
      ASSERT_EQ(seen, expected.wet[n]) << N << ' ' << K << ' ' << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Properties, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) all.push_back(&method);
                           return all;
                         }()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

}  // namespace
}  // namespace gpuconv::test
