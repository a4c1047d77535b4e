// closeness_test.cpp - tries to fool the comparator
#include "tests/support/closeness.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

constexpr ErrorBound kBound{4 * 0x1p-24, 4 * 0x1p-24};

class Comparator : public ::testing::TestWithParam<bool> {
 protected:
  bool accepts(const Signal& wet) const {
    return static_cast<bool>(is_close(wet, expected_, kBound, GetParam()));
  }

  const Signal source_ = noise(300, 1);
  const Signal response_ = noise(50, 2);
  const Reference expected_ = reference(source_, response_);
  const Signal right_{expected_.wet.begin(), expected_.wet.end()};
};

TEST_P(Comparator, AcceptsTheRoundedReference) { EXPECT_TRUE(accepts(right_)); }

TEST_P(Comparator, RefusesSilence) { EXPECT_FALSE(accepts(Signal(right_.size()))); }

TEST_P(Comparator, RefusesNothing) { EXPECT_FALSE(accepts({})); }

TEST_P(Comparator, RefusesOneSampleTooManyOrTooFew) {
  Signal wet = right_;
  wet.push_back(0);
  EXPECT_FALSE(accepts(wet));
  wet.resize(right_.size() - 1);
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesOneNaNAnywhere) {
  for (const std::size_t n : {std::size_t{0}, right_.size() / 2, right_.size() - 1}) {
    Signal wet = right_;
    wet[n] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(accepts(wet)) << n;
  }
}

TEST_P(Comparator, RefusesOnlyNaN) {
  EXPECT_FALSE(accepts(Signal(right_.size(), std::numeric_limits<float>::quiet_NaN())));
}

TEST_P(Comparator, RefusesAnInfinity) {
  Signal wet = right_;
  wet.back() = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesAShiftByOneSample) {
  Signal wet = right_;
  std::rotate(wet.begin(), wet.begin() + 1, wet.end());
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesAFlippedSign) {
  Signal wet = right_;
  for (float& sample : wet) sample = -sample;
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesAMissingTail) {
  Signal wet = right_;
  std::fill(wet.end() - 49, wet.end(), 0.0f);
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesOneWrongSample) {
  Signal wet = right_;
  wet[123] += 0.001f;
  EXPECT_FALSE(accepts(wet));
}

TEST_P(Comparator, RefusesAnythingButSilenceWhereNothingIsExpected) {
  const Reference silence = reference(Signal(10), Signal(5, 1.0f));
  EXPECT_TRUE(is_close(Signal(14), silence, kBound, GetParam()));
  Signal wet(14);
  wet[3] = 1e-30f;
  EXPECT_FALSE(is_close(wet, silence, kBound, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(, Comparator, ::testing::Bool(), [](const auto& parameter) {
  return parameter.param ? std::string("Direct") : std::string("Fft");
});

TEST(Reference, ByTransformAgreesWithTheDefinition) {
  const Signal source = noise(6000, 3);
  const Signal response = noise(5000, 4);  // above 2^24 products: by transform
  const Reference expected = reference(source, response);
  for (const std::size_t n : {0u, 1u, 4999u, 5000u, 5999u, 6000u, 10997u, 10998u}) {
    EXPECT_NEAR(expected.wet[n], reference_at(source, response, n), 1e-10) << n;
  }
}

}  // namespace
}  // namespace gpuconv::test
