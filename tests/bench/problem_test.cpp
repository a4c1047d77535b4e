// problem_test.cpp - sizes are read, and a benchmark of wrong results is found out
#include "host/bench/problem.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "host/base/error.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

TEST(ParseProblem, ReadsSizes) {
  const Problem two = parse_problem("200000x70000");
  EXPECT_EQ(two.N, 200'000);
  EXPECT_EQ(two.K, 70'000);
  EXPECT_EQ(two.clips, 1);
  EXPECT_EQ(two.wet_length(), 269'999);
  EXPECT_EQ(parse_problem("10x3x7").clips, 7);
}

TEST(ParseProblem, RefusesWhatIsNoSize) {
  for (const char* const text :
       {"", "5", "5x", "x5", "5x0", "0x5", "-5x5", "5x5x", "5x5x0", "5x5x5x5", "5 x5", "5x5 ",
        "1e3x5", "99999999999999999999x1", "68719476736x2x2", "2x2x4294967296"}) {
    EXPECT_THROW(parse_problem(text), UsageError) << text;
  }
}

class ExpectationTest : public ::testing::Test {
 protected:
  ExpectationTest() {
    const Method& naive = find_method("cpu-naive");
    for (int clip = 0; clip < problem_.clips; ++clip) {
      const std::span<const float> source = sounds_.clip(problem_, clip);
      const Stereo<Signal> one = run(naive, Signal(source.begin(), source.end()), sounds_.response);
      for (const Side side : kSides) {
        wet_[side].insert(wet_[side].end(), one[side].begin(), one[side].end());
      }
    }
  }

  Expectation::Verdict judge(const Stereo<Signal>& wet) const {
    return Expectation(problem_, sounds_).judge(wet, direct_error_bound(problem_.K), true);
  }

  const Problem problem_{"", 300, 90, 3};
  const Sounds sounds_{problem_};
  Stereo<Signal> wet_;
};

TEST_F(ExpectationTest, PassesWhatIsRight) {
  const Expectation::Verdict verdict = judge(wet_);
  EXPECT_TRUE(verdict.is_right);
  EXPECT_GT(verdict.error, 0);
  EXPECT_LE(verdict.error, direct_error_bound(problem_.K).relative);
}

TEST_F(ExpectationTest, FindsOutWhatIsWrong) {
  const auto spoiled = [&](const auto& spoil) {
    Stereo<Signal> wet = wet_;
    spoil(wet);
    return judge(wet).is_right;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(spoiled([](Stereo<Signal>& wet) { std::swap(wet.left, wet.right); }));
  EXPECT_FALSE(spoiled([](Stereo<Signal>& wet) { wet.right.pop_back(); }));
  EXPECT_FALSE(spoiled([&](Stereo<Signal>& wet) { wet.left.assign(wet.left.size(), nan); }));
  EXPECT_FALSE(spoiled([](Stereo<Signal>& wet) { wet.left.assign(wet.left.size(), 0); }));
  EXPECT_FALSE(spoiled([](Stereo<Signal>& wet) {
    std::rotate(wet.left.begin(), wet.left.begin() + 1, wet.left.end());
  }));
  EXPECT_FALSE(spoiled([](Stereo<Signal>& wet) {
    for (float& sample : wet.right) sample *= 1.001f;
  }));
  // Every clip is looked at.
  EXPECT_FALSE(spoiled([&](Stereo<Signal>& wet) {
    std::fill(wet.left.end() - problem_.wet_length(), wet.left.end(), 0.0f);
  }));
}

}  // namespace
}  // namespace gpuconv::test
