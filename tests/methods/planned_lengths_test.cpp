// planned_lengths_test.cpp - every transform length that a method can plan is right
//
// The planners of all methods are asked about a grid of lengths, and of those that lead to one
// transform length the cheapest pair is run. GPUCONV_LONG=1 runs the long ones, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "cuda/methods/lengths.hpp"
#include "cuda/methods/shapes.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

#ifdef GPUCONV_EMULATED
constexpr double kQuickOperations = 2e8;  // operations: 10 s
constexpr double kLong = 5e9;
constexpr std::int64_t kLongestSignal = std::int64_t{1} << 24;
#else
constexpr double kQuickOperations = 2e9;
constexpr double kLong = 1e12;
constexpr std::int64_t kLongestSignal = std::int64_t{1} << 27;  // the reference: 16 GiB
#endif

/// Around powers of two, a third of them, and between.
std::vector<std::int64_t> grid(std::int64_t longest) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t power = 1; power <= longest; power *= 2) {
    for (const std::int64_t length : {power, power + 1, 4 * power / 3, 3 * power / 2}) {
      if (length <= longest) lengths.push_back(length);
    }
  }
  return lengths;
}

/// By transform length, the problem that needs it and costs least; preferably one whose source and
/// response are of similar length, so that neither is hardly there.
std::map<std::int64_t, Problem> planned(const Method& method) {
  const auto rank = [&](std::int64_t N, std::int64_t K) {
    const bool is_lopsided = std::max(N, K) > 4 * std::min(N, K);
    return std::tuple(is_lopsided,
                      method.operations(static_cast<double>(N), static_cast<double>(K)));
  };
  constexpr std::uint64_t kNoises = 8;  // of the seeds of Problem: source and both ears are noise
  std::map<std::int64_t, Problem> cheapest;
  for (const std::int64_t K : grid(std::min(kLongestResponse, method.longest_response))) {
    for (const std::int64_t N : grid(2 * kLongestResponse)) {
      const std::int64_t length = method.transform(N, K).length;
      const auto [found, is_new] = cheapest.try_emplace(length, Problem{&method, N, K, kNoises});
      Problem& best = found->second;
      if (!is_new && rank(N, K) < rank(best.source_length, best.response_length)) {
        best = {&method, N, K, kNoises};
      }
    }
  }
  return cheapest;
}

enum class Range { quick, slow, beyond };

Range range_of(const Problem& problem) {
  const double operations = problem.method->operations(
      static_cast<double>(problem.source_length), static_cast<double>(problem.response_length));
  if (operations <= kQuickOperations) return Range::quick;
  const bool is_possible =
      operations <= kLong && problem.source_length + problem.response_length <= kLongestSignal;
  return is_possible ? Range::slow : Range::beyond;
}

class PlannedLengths : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }

  /// How many there were; `beyond` becomes a reason if one is too much for the GPU here.
  static int solve_all(Range range, std::string& beyond) {
    int count = 0;
    for (const auto& [length, problem] : planned(*GetParam())) {
      if (range_of(problem) != range) continue;
      ++count;
      const std::string reason =
          why_too_much_here(*problem.method, problem.source_length, problem.response_length);
      if (reason.empty()) {
        EXPECT_TRUE(solve(problem)) << "transform length " << length;
      } else {
        beyond = "all but transform length " + std::to_string(length) + ": " + reason;
      }
    }
    return count;
  }

  static std::string names(Range range) {
    std::string names;
    for (const auto& [length, problem] : planned(*GetParam())) {
      if (range_of(problem) == range) names += ' ' + std::to_string(length);
    }
    return names;
  }
};

TEST_P(PlannedLengths, AreRight) {
  std::string beyond;
  EXPECT_GE(solve_all(Range::quick, beyond), 7);
  if (!beyond.empty()) GTEST_SKIP() << GetParam()->name << ": " << beyond;
}

TEST_P(PlannedLengths, AreRightIfLong) {
  if (!names(Range::beyond).empty()) std::printf("too long:%s\n", names(Range::beyond).c_str());
  const std::string lengths = names(Range::slow);
  if (lengths.empty()) return;
  if (number_from_environment("GPUCONV_LONG", 0) == 0) {
    GTEST_SKIP() << GetParam()->name << ": transform lengths" << lengths << " with GPUCONV_LONG=1";
  }
  std::string beyond;
  EXPECT_GT(solve_all(Range::slow, beyond), 0);
  if (!beyond.empty()) GTEST_SKIP() << GetParam()->name << ": " << beyond;
}

/// Those whose lengths are few: the definition's and cuFFT's transform take any length there is, or
/// nearly, and Shapes.AreRightForAllPairsOfLengthsUpTo64 and RandomShapes.AreRight go through them.
std::vector<const Method*> own_transforms() {
  std::vector<const Method*> list;
  for (const Method& method : methods()) {
    if (!method.is_direct && !method.is_yardstick && method.name != std::string("cpu-dft")) {
      list.push_back(&method);
    }
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(, PlannedLengths, ::testing::ValuesIn(own_transforms()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

TEST(PlannedLengthsGrid, FindsAllOfThem) {
  using Lengths = std::vector<std::int64_t>;
  const auto powers = [](std::int64_t first, std::int64_t last) {
    Lengths lengths;
    for (std::int64_t length = first; length <= last; length *= 2) lengths.push_back(length);
    return lengths;
  };
  const auto expect = [](const char* method, const Lengths& expected) {
    Lengths seen;
    for (const auto& [length, problem] : planned(find_method(method))) seen.push_back(length);
    EXPECT_EQ(seen, expected) << method;
  };
  Lengths vectorised = powers(512, 524'288);
  for (const std::int64_t length : powers(1536, 393'216)) vectorised.push_back(length);  // 3 times
  for (const std::int64_t length : powers(4608, 294'912)) vectorised.push_back(length);  // 9 times
  std::ranges::sort(vectorised);
  expect("cpu-vectorised", vectorised);
  expect("gpu-radix2", powers(4, std::int64_t{1} << 28));
  expect("cpu-cooley-tukey", powers(1, std::int64_t{1} << 28));
  Lengths fused;
  for (const int length : kFusedLengths) fused.push_back(2 * length);
  expect("gpu-fused", fused);
  Lengths fourstep;
  for (const auto& [rows, columns] : kFourstepShapes) fourstep.push_back(2LL * rows * columns);
  expect("gpu-fourstep", fourstep);
}

}  // namespace
}  // namespace gpuconv::test
