// all_methods_test.cpp - every rung of the ladder against the definition
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

class EveryMethod : public ::testing::TestWithParam<const Method*> {
 protected:
  const Method& method() const { return *GetParam(); }
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(method()); }

  ErrorBound bound(const Signal& source, const Signal& response) const {
    return error_bound(method(), static_cast<std::int64_t>(source.size()),
                       static_cast<std::int64_t>(response.size()));
  }

  /// Both ears within the bound.
  void expect_convolution(const Signal& source, const Stereo<Signal>& response) const {
    const Stereo<Signal> wet = run(method(), source, response);
    for (const Side side : kSides) {
      EXPECT_TRUE(is_close(wet[side], reference(source, response[side]),
                           bound(source, response[side]), method().is_direct))
          << name(side) << " ear, " << source.size() << " samples, " << response[side].size()
          << " taps";
    }
  }

  /// The emulation and the slowest rungs do about 10^8 products a second.
  bool takes_too_long(std::size_t N, std::size_t K) const {
    return method().operations(static_cast<double>(N), static_cast<double>(K)) > 1.2e8;
  }
};

/// Around 1, a warp (32), a block (256), the tiles and chunks of gpu-tiled (512, 2048), powers of
/// two of N+K-1, segments in shared memory (4096), a block of source (2^19); either one longer.
const std::pair<std::size_t, std::size_t> kLengths[] = {
    {1, 1},       {1, 2},       {2, 1},      {1, 3},       {2, 2},       {2, 3},     {3, 2},
    {1, 32},      {31, 1},      {31, 32},    {32, 32},     {33, 32},     {33, 33},   {1, 1000},
    {1000, 1},    {63, 66},     {64, 65},    {65, 65},     {128, 129},   {255, 256}, {256, 257},
    {257, 257},   {300, 511},   {300, 512},  {300, 513},   {512, 1},     {511, 513}, {512, 513},
    {513, 513},   {1025, 255},  {300, 2500}, {2047, 1},    {2047, 2},    {2048, 2},  {2049, 2},
    {1537, 512},  {1536, 512},  {1535, 513}, {2048, 2049}, {4095, 1},    {4000, 97}, {4000, 98},
    {2560, 2049}, {4096, 4097}, {8191, 2},   {8192, 2},    {70, 8123},   {8123, 70}, {8123, 71},
    {12000, 333}, {333, 12000}, {16384, 1},  {20000, 700}, {40000, 100}, {65536, 9}, {131071, 3},
    {131072, 3},  {131073, 3},  {131200, 1}, {140000, 40}};

TEST_P(EveryMethod, AgreesWithTheDefinitionWhereAnIndexCanBeOffByOne) {
  int cases = 0;
  for (const auto& [N, K] : kLengths) {
    if (takes_too_long(N, K)) continue;
    expect_convolution(noise(N, 1), {decaying_noise(K, 2), decaying_noise(K, 3)});
    ++cases;
  }
  EXPECT_GE(cases, 35);
}

TEST_P(EveryMethod, GivesEachEarItsOwnResponse) {
  const Signal source = noise(700, 1);
  const Stereo<Signal> response{noise(90, 2), noise(90, 3)};
  const Stereo<Signal> wet = run(method(), source, response);
  const Stereo<Signal> swapped = run(method(), source, {response.right, response.left});
  EXPECT_EQ(wet.left, swapped.right);
  EXPECT_EQ(wet.right, swapped.left);
  EXPECT_NE(wet.left, wet.right);
}

TEST_P(EveryMethod, KeepsSilenceSilent) {
  for (const std::size_t K : {1u, 33u, 600u}) {
    const Stereo<Signal> wet = run(method(), Signal(500), {noise(K, 1), noise(K, 2)});
    EXPECT_EQ(wet.left, Signal(500 + K - 1));
    EXPECT_EQ(wet.right, Signal(500 + K - 1));
  }
}

TEST_P(EveryMethod, KeepsASilentEarExactlySilent) {
  const Signal source = noise(5000, 1);
  for (const Side silent : kSides) {
    Stereo<Signal> response{noise(300, 2), noise(300, 3)};
    response[silent].assign(300, 0.0f);
    const Stereo<Signal> wet = run(method(), source, response);
    EXPECT_EQ(wet[silent], Signal(5299));
    const Side other = silent == Side::left ? Side::right : Side::left;
    EXPECT_TRUE(is_close(wet[other], reference(source, response[other]),
                         bound(source, response[other]), method().is_direct));
  }
}

TEST_P(EveryMethod, KeepsEachEarWithinItsBoundWhenTheOtherIs60DbLouder) {
  const Signal source = noise(3000, 1);
  Stereo<Signal> response{noise(400, 2), noise(400, 3)};
  for (float& tap : response.right) tap *= 1e-3f;
  expect_convolution(source, response);
}

TEST_P(EveryMethod, IsNeverSilentlyWrongOnDenormals) {
  Signal source = noise(300, 1);
  for (float& sample : source) sample *= 0x1p-60f;
  Stereo<Signal> response{noise(40, 2), noise(40, 3)};
  for (Signal* taps : {&response.left, &response.right}) {
    for (float& tap : *taps) tap *= 0x1p-60f;
  }
  const Stereo<Signal> wet = run(method(), source, response);
  for (const Side side : kSides) {
    const Reference expected = reference(source, response[side]);
    // Nobody promises of somebody else's transform that it keeps denormals: it may take every
    // element of a spectrum below 2^-126 for nothing, and so be off by as much for each.
    const double flushed =
        method().is_yardstick ? static_cast<double>(expected.wet.size()) * 0x1p-126 : 0;
    for (std::size_t n = 0; n < expected.wet.size(); ++n) {
      // The whole result lies within 2^-114: the bound, or one denormal for each of 40 products.
      ASSERT_NEAR(wet[side][n], expected.wet[n],
                  1e-6 * expected.source_norm * expected.response_norm + 80 * 0x1p-149 + flushed);
    }
    if (!method().is_yardstick) {
      EXPECT_GT(std::abs(wet[side][150]), 0) << "denormals were flushed";
    }
  }
}

TEST_P(EveryMethod, ScalesExactlyByPowersOfTwo) {
  const Signal source = noise(800, 1);
  const Stereo<Signal> response{noise(77, 2), noise(77, 3)};
  const Stereo<Signal> wet = run(method(), source, response);
  Signal louder = source;
  for (float& sample : louder) sample *= -8;
  const Stereo<Signal> louder_wet = run(method(), louder, response);
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    ASSERT_EQ(-8 * wet.left[n], louder_wet.left[n]) << n;
  }
}

TEST_P(EveryMethod, TwiceGivesTheSameBytes) {
  // A transform by its definition takes more than a minute of 9000 samples under sanitizers.
  const Signal source = noise(method().name == "cpu-dft" ? 3000 : 9000, 1);
  const Stereo<Signal> response{noise(1000, 2), noise(1000, 3)};
  const Stereo<Signal> first = run(method(), source, response);
  const Stereo<Signal> second = run(method(), source, response);
  EXPECT_EQ(first.left, second.left);
  EXPECT_EQ(first.right, second.right);
}

TEST_P(EveryMethod, GivesWholeNumbersForWholeNumbers) {
  const Signal source = integers(900, 100, 1);
  const Stereo<Signal> response{integers(120, 7, 2), integers(120, 7, 3)};
  const Stereo<Signal> wet = run(method(), source, response);
  for (const Side side : kSides) {
    const Reference expected = reference(source, response[side]);
    for (std::size_t n = 0; n < expected.wet.size(); ++n) {
      // 100 * 7 * sqrt(120) < 2^18: an FFT's error stays far below a half.
      const double seen = method().is_direct ? wet[side][n] : std::round(wet[side][n]);
      ASSERT_EQ(seen, expected.wet[n]) << name(side) << ' ' << n;
    }
  }
}

TEST_P(EveryMethod, GivesTheResponseToAnImpulse) {
  const std::size_t positions[] = {0, 1, 31, 256, 699};
  const Stereo<Signal> response{noise(300, 2), noise(300, 3)};
  for (const std::size_t position : positions) {
    Signal source(700);
    source[position] = 1;
    const Stereo<Signal> wet = run(method(), source, response);
    Signal expected(999);
    std::copy(response.left.begin(), response.left.end(),
              expected.begin() + static_cast<std::ptrdiff_t>(position));
    if (method().is_direct) {
      EXPECT_EQ(wet.left, expected) << position;
    } else {
      EXPECT_TRUE(
          is_close(wet.left, reference(source, response.left), bound(source, response.left), false))
          << position;
    }
  }
}

std::vector<const Method*> every_method() {
  std::vector<const Method*> all;
  for (const Method& method : methods()) all.push_back(&method);
  return all;
}

INSTANTIATE_TEST_SUITE_P(, EveryMethod, ::testing::ValuesIn(every_method()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

}  // namespace
}  // namespace gpuconv::test
