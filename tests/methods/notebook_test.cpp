// notebook_test.cpp - where the notebook this program grew out of went wrong, each mistake made
// again beside what is right
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>

#include "host/methods/cpu_cooley_tukey.hpp"
#include "host/methods/fft_teaching.hpp"
#include "tests/methods/cpu_reference.hpp"

namespace gpuconv::test {
namespace {

/// Level of the left ear over that of the right, in dB: by it a listener knows the side.
double level_difference(const Signal& left, const Signal& right) {
  const auto energy = [](const Signal& ear) {
    double sum = 0;
    for (const float y : ear) sum += double{y} * double{y};
    return sum;
  };
  return 10 * std::log10(energy(left) / energy(right));
}

Signal scaled(Signal signal, float factor) {
  for (float& sample : signal) sample *= factor;
  return signal;
}

float peak(const Signal& signal) { return *std::max_element(signal.begin(), signal.end()); }

// It divided each ear by its own peak. The louder ear is not the one with the higher peak: the
// room's reverberation has little peak and much energy.
TEST(Notebook, NormalisingEachEarByItselfMovesTheSourceToTheOtherSide) {
  const Signal source{1.0f, -0.5f, 0.25f};
  const Signal left = run_ear(convolve_cooley_tukey, source, Signal(8, 0.3f));
  const Signal right = run_ear(convolve_cooley_tukey, source, {1.0f, 0.0f, 0.0f, 0.0f});
  const double before = level_difference(left, right);
  EXPECT_LT(before, -1);  // to the right
  const double moved =
      level_difference(scaled(left, 1 / peak(left)), scaled(right, 1 / peak(right)));
  EXPECT_GT(moved, 1);  // to the left

  const float common = 1 / std::max(peak(left), peak(right));
  EXPECT_NEAR(level_difference(scaled(left, common), scaled(right, common)), before, 1e-5);
}

// It wrote N+K samples. The last tap of the last sample comes at N+K-2.
TEST(Notebook, TheResultEndsWithTheLastTapOfTheLastSample) {
  const Signal source = noise(100, 1);
  const Signal response = noise(30, 2);
  const Signal wet = run_ear(convolve_cooley_tukey, source, response);
  EXPECT_EQ(wet.size(), source.size() + response.size() - 1);
  EXPECT_NEAR(wet.back(), source.back() * response.back(), 1e-5f);
  const Reference all = reference(source, response);
  EXPECT_EQ(all.wet.size(), wet.size());
  // One more is what a tap that is not there gives: nothing.
  Signal longer = response;
  longer.push_back(0);
  EXPECT_EQ(reference(source, longer).wet.back(), 0.0);
}

/// As the notebook extended a signal: to a power of two, unless the result's length is one already.
Signal extended_as_it_did(Signal signal, std::size_t wet_length) {
  if (!std::has_single_bit(wet_length)) signal.resize(std::bit_ceil(wet_length), 0.0f);
  return signal;
}

// It left the signals as they were, of two different lengths, when N+K-1 was a power of two.
TEST(Notebook, SignalsAreExtendedAlsoWhenTheResultIsAPowerOfTwo) {
  for (const std::size_t L : {std::size_t{256}, std::size_t{512}}) {
    const Signal source = noise(L - 99, 1);
    const Signal response = noise(100, 2);
    EXPECT_EQ(extended_as_it_did(response, L).size(), 100u);
    EXPECT_NE(extended_as_it_did(source, L).size(), extended_as_it_did(response, L).size());
    // Multiplied all the same, over the length of the longer one, the end lands on the beginning.
    const Reference right = reference(source, response);
    Signal wrapped(source.size(), 0.0f);
    for (std::size_t n = 0; n < right.wet.size(); ++n) {
      wrapped[n % source.size()] += static_cast<float>(right.wet[n]);
    }
    EXPECT_GT(std::abs(wrapped[0] - static_cast<float>(right.wet[0])), 0.01f);

    EXPECT_EQ(padded_length(L), L);
    EXPECT_TRUE(is_close(run_ear(convolve_cooley_tukey, source, response), right,
                         transform_bound(L), false));
  }
}

/// The inverse transform without its 1/L: leaves of 32 by the definition, then halves combined with
/// roots of the given sign; the right one is +1.
ComplexSignal inverse(const ComplexSignal& spectrum, double sign) {
  const std::size_t L = spectrum.size();
  const double step = 2 * std::numbers::pi / static_cast<double>(L);
  ComplexSignal result(L);
  if (L <= 32) {
    for (std::size_t n = 0; n < L; ++n) {
      std::complex<double> sum = 0;
      for (std::size_t k = 0; k < L; ++k) {
        sum += std::complex<double>(spectrum[k]) *
               std::polar(1.0, step * static_cast<double>(n * k % L));
      }
      result[n] = Complex(sum);
    }
    return result;
  }
  ComplexSignal even, odd;
  for (std::size_t k = 0; k < L; k += 2) {
    even.push_back(spectrum[k]);
    odd.push_back(spectrum[k + 1]);
  }
  even = inverse(even, sign);
  odd = inverse(odd, sign);
  for (std::size_t n = 0; n < L / 2; ++n) {
    const Complex turned =
        product(Complex(std::polar(1.0, sign * step * static_cast<double>(n))), odd[n]);
    result[n] = even[n] + turned;
    result[n + L / 2] = even[n] - turned;
  }
  return result;
}

/// Relative error of what comes back from a spectrum.
double error_of_inverse(std::size_t L, double sign) {
  const Signal real = noise(L, 1);
  std::vector<std::complex<double>> exact(real.begin(), real.end());
  const auto transformed = reference_transform(exact, -1);
  const ComplexSignal back = inverse({transformed.begin(), transformed.end()}, sign);
  double error = 0;
  double norm = 0;
  for (std::size_t n = 0; n < L; ++n) {
    error += std::norm(std::complex<double>(back[n]) / static_cast<double>(L) - exact[n]);
    norm += std::norm(exact[n]);
  }
  return std::sqrt(error / norm);
}

// Its vectorised inverse combined its leaves with the roots of the forward transform. A test with
// 32 points would not have noticed.
TEST(Notebook, AnInverseWithTheForwardSignIsWrongBeyondItsLeaves) {
  EXPECT_LT(error_of_inverse(32, -1), 1e-6);
  for (const std::size_t L : {64u, 256u, 1024u}) {
    EXPECT_GT(error_of_inverse(L, -1), 0.5) << L;
    EXPECT_LT(error_of_inverse(L, +1), 1e-6) << L;
  }
}

}  // namespace
}  // namespace gpuconv::test
