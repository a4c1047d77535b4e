// shapes_test.cpp - many lengths: all small ones, and random ones
//
// GPUCONV_SHAPES: how many random shapes (1000). GPUCONV_SEED: which.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

/// In the emulation a problem of this size takes some milliseconds, as any launch does.
constexpr double kQuick = 1.5e6;

class Shapes : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }
};

TEST_P(Shapes, AreRightForAllPairsOfLengthsUpTo64) {
  int cases = 0;
  for (std::int64_t N = 1; N <= 64; ++N) {
    for (std::int64_t K = 1; K <= 64; ++K) {
      ASSERT_TRUE(solve({GetParam(), N, K, static_cast<std::uint64_t>(64 * N + K)}));
      ++cases;
    }
  }
  EXPECT_EQ(cases, 4096);
}

INSTANTIATE_TEST_SUITE_P(, Shapes, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) all.push_back(&method);
                           return all;
                         }()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

TEST(RandomShapes, AreRight) {
  const std::int64_t count = number_from_environment("GPUCONV_SHAPES", 1000);
  const std::vector<const Method*> here = methods_here();
  Random seeds(test_seed());
  for (std::int64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(solve(random_problem(here, kQuick, seeds.next() >> 20)));
  }
  std::printf("%lld random shapes\n", static_cast<long long>(count));
}

TEST(RandomShapes, AreRightWhereTheBoundWasOnceTooTight) {
  // 3.3 u, the whole error of 9 samples in one of them.
  EXPECT_TRUE(solve(parse_token("cpu-hybrid:2:8:16191494775272")));
}

TEST(Token, MakesTheSameProblemAgain) {
  const Problem problem = random_problem(methods_here(), kQuick, 12345);
  const Problem again = parse_token(problem.token());
  EXPECT_EQ(again.token(), problem.token());
  EXPECT_EQ(again.source(), problem.source());
  EXPECT_EQ(again.response().left, problem.response().left);
}

TEST(Token, RefusesWhatIsNone) {
  for (const char* const wrong : {"", "cpu-naive", "cpu-naive:1:2", "cpu-naive:0:2:3",
                                  "cpu-naive:1:2:3:4", "cpu-naive:1:-2:3", "cpu-naive:a:2:3"}) {
    EXPECT_THROW(parse_token(wrong), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace gpuconv::test
