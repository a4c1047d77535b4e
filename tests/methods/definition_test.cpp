// definition_test.cpp - the definition that --verify and the benchmark judge by, against the oracle
#include "host/methods/definition.hpp"

#include <gtest/gtest.h>

#include "host/base/noise.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {
namespace {

TEST(Definition, AgreesWithTheOracleAlsoInBlocks) {
  const Signal source = gpuconv::noise(1000, 1);
  for (const std::size_t taps : {1u, 7u, 300u, 1500u}) {
    const Signal response = gpuconv::noise(taps, 2);
    const Reference expected = reference(source, response);
    for (std::int64_t n = 0; n < std::ssize(expected.wet); ++n) {
      ExactSample sum;
      for (std::size_t first = 0; first < source.size(); first += 125) {
        sum += definition(std::span(source).subspan(first, 125), static_cast<std::int64_t>(first),
                          response, n);
      }
      const ExactSample whole = definition(source, 0, response, n);
      const auto at = static_cast<std::size_t>(n);
      ASSERT_NEAR(whole.value, expected.wet[at], 1e-12) << n;
      ASSERT_NEAR(whole.magnitude, expected.magnitude[at], 1e-12) << n;
      ASSERT_NEAR(sum.value, expected.wet[at], 1e-12) << n;
      ASSERT_NEAR(sum.magnitude, expected.magnitude[at], 1e-12) << n;
    }
  }
}

TEST(Definition, KnowsNorms) {
  EXPECT_EQ(energy(Signal{3, -4}), 25);
  EXPECT_EQ(norm(Signal{3, -4}), 5);
  EXPECT_EQ(norm(Signal{}), 0);
}

}  // namespace
}  // namespace gpuconv::test
