// exponent_test.cpp - the slope of a known curve is found, and nothing else is taken for one
#include "host/bench/exponent.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gpuconv::test {
namespace {

Row row(const std::string& contender, std::int64_t N, std::int64_t K, double seconds) {
  Row result;
  result.contender = contender;
  result.problem = {"", N, K};
  result.seconds.median = seconds;
  return result;
}

TEST(ExponentTest, IsThatOfAKnownCurve) {
  std::vector<Row> rows;
  for (const double N : {256.0, 512.0, 1024.0, 2048.0, 4096.0}) {
    rows.push_back(row("square", std::int64_t(N), std::int64_t(N / 4), 3e-9 * N * N));
    rows.push_back(row("linear", std::int64_t(N), std::int64_t(N / 4), 2e-9 * N));
  }
  const std::vector<Exponent> exponents = fit_exponents(rows);
  ASSERT_EQ(exponents.size(), 2u);
  EXPECT_EQ(exponents[0].contender, "square");
  EXPECT_NEAR(exponents[0].value, 2, 1e-9);
  EXPECT_NEAR(exponents[0].error, 0, 1e-6);
  EXPECT_NEAR(exponents[1].value, 1, 1e-9);
}

// What starts cost dominates short sizes and would flatten the slope.
TEST(ExponentTest, IsThatOfTheLongerHalf) {
  std::vector<Row> rows;
  for (int power = 8; power <= 16; ++power) {
    const double N = std::exp2(power);
    rows.push_back(row("m", std::int64_t(N), std::int64_t(N), power < 12 ? 1e-3 : 1e-12 * N * N));
  }
  const Exponent exponent = fit_exponents(rows).at(0);
  EXPECT_NEAR(exponent.value, 2, 1e-9);
  EXPECT_EQ(exponent.from, 4096);
  EXPECT_EQ(exponent.to, 65536);
  EXPECT_EQ(exponent.sizes, 5);
}

TEST(ExponentTest, ConfessesItsError) {
  const std::vector<Exponent> exponents =
      fit_exponents({row("m", 100, 100, 1), row("m", 200, 200, 3), row("m", 400, 400, 4)});
  EXPECT_NEAR(exponents.at(0).value, 1, 1e-9);
  EXPECT_GT(exponents.at(0).error, 0.1);
}

TEST(ExponentTest, NeedsThreeMeasuredSizesOfOneShape) {
  Row guessed = row("m", 400, 100, 16);
  guessed.is_extrapolated = true;
  Row outlier = row("m", 800, 200, 1600);
  outlier.is_out_of_line = true;
  Row clips = row("m", 400, 100, 16);
  clips.problem.clips = 2;
  EXPECT_TRUE(fit_exponents({row("m", 100, 25, 1), row("m", 200, 50, 4), guessed, outlier, clips,
                             row("m", 400, 400, 16)})
                  .empty());
}

}  // namespace
}  // namespace gpuconv::test
