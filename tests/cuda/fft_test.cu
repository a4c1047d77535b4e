// fft_test.cu - the radix-2 transforms against FFTW in double, and against cuFFT on a device
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "cuda/fft/radix2.cuh"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/runtime/device.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {
namespace {

using Complex = std::complex<double>;
using radix2::InPlace;
using radix2::Transform;

constexpr double kUnit = 0x1p-24;

int reversed(int n, int bits) {
  int result = 0;
  for (int b = 0; b < bits; ++b) result |= ((n >> b) & 1) << (bits - 1 - b);
  return result;
}

std::vector<float2> complex_noise(int length, unsigned seed) {
  const Signal parts = noise(2 * static_cast<std::size_t>(length), seed);
  std::vector<float2> sequence;
  for (std::size_t n = 0; n < parts.size(); n += 2) {
    sequence.push_back(make_float2(parts[n], parts[n + 1]));
  }
  return sequence;
}

std::vector<Complex> as_double(std::span<const float2> sequence) {
  std::vector<Complex> result;
  for (const float2 z : sequence) result.emplace_back(z.x, z.y);
  return result;
}

/// ||seen - expected|| / ||expected||, in units of u sqrt(log2 length). NaN if anything is.
double error_constant(std::span<const Complex> seen, std::span<const Complex> expected) {
  double error = 0;
  double norm = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    error += std::norm(seen[k] - expected[k]);
    norm += std::norm(expected[k]);
  }
  return std::sqrt(error / norm) /
         (kUnit * std::sqrt(std::log2(static_cast<double>(expected.size()))));
}

class Radix2 : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }

  int bits() const { return GetParam(); }
  int length() const { return 1 << GetParam(); }
  int batch() const { return GetParam() <= 13 ? 3 : 1; }

  /// Forward transforms of the batch, bit reversal undone.
  std::vector<Complex> forward(const std::vector<float2>& sequences) const {
    const Stream stream;
    const Transform transform(length(), stream);
    DeviceBuffer<float2> in(sequences.size());
    DeviceBuffer<float2> out(sequences.size());
    upload_async<float2>(sequences, in.span(), stream);
    transform.forward(InPlace{in.data(), length()}, batch(), out.span(), stream);
    std::vector<float2> spectra(sequences.size());
    download_async<float2>(out.span(), spectra, stream);
    stream.synchronize();
    std::vector<Complex> ordered(spectra.size());
    for (int i = 0; i < static_cast<int>(spectra.size()); ++i) {
      const int transform_start = i / length() * length();
      const float2 z = spectra[static_cast<std::size_t>(transform_start +
                                                        reversed(i - transform_start, bits()))];
      ordered[static_cast<std::size_t>(i)] = {z.x, z.y};
    }
    return ordered;
  }

  /// Inverse transforms of bit-reversed `spectra`.
  std::vector<Complex> inverse(const std::vector<float2>& spectra) const {
    const Stream stream;
    const Transform transform(length(), stream);
    DeviceBuffer<float2> in(spectra.size());
    DeviceBuffer<float2> work(spectra.size());
    DeviceBuffer<float2> out(spectra.size());
    upload_async<float2>(spectra, in.span(), stream);
    transform.inverse(InPlace{in.data(), length()}, InPlace{out.data(), length()}, batch(),
                      work.span(), stream);
    std::vector<float2> sequences(spectra.size());
    download_async<float2>(out.span(), sequences, stream);
    stream.synchronize();
    return as_double(sequences);
  }
};

TEST_P(Radix2, ForwardAgreesWithDoubleInEveryTransformOfABatch) {
  const std::vector<float2> sequences = complex_noise(batch() * length(), 1);
  const std::vector<Complex> seen = forward(sequences);
  const std::vector<Complex> exact = as_double(sequences);
  const std::size_t M = static_cast<std::size_t>(length());
  for (std::size_t t = 0; t < static_cast<std::size_t>(batch()); ++t) {
    const std::vector<Complex> expected =
        reference_transform(std::span(exact).subspan(t * M, M), -1);
    EXPECT_LE(error_constant(std::span(seen).subspan(t * M, M), expected), 1.0)
        << "transform " << t;
  }
}

TEST_P(Radix2, InverseAgreesWithDoubleInEveryTransformOfABatch) {
  const std::vector<float2> spectra = complex_noise(batch() * length(), 2);
  const std::vector<Complex> seen = inverse(spectra);
  const std::size_t M = static_cast<std::size_t>(length());
  for (std::size_t t = 0; t < static_cast<std::size_t>(batch()); ++t) {
    std::vector<Complex> ordered(M);
    for (std::size_t k = 0; k < M; ++k) {
      const float2 z =
          spectra[t * M + static_cast<std::size_t>(reversed(static_cast<int>(k), bits()))];
      ordered[k] = {z.x, z.y};
    }
    const std::vector<Complex> expected = reference_transform(ordered, 1);
    EXPECT_LE(error_constant(std::span(seen).subspan(t * M, M), expected), 1.0)
        << "transform " << t;
  }
}

TEST_P(Radix2, KeepsTheEnergy) {
  const std::vector<float2> sequences = complex_noise(batch() * length(), 3);
  double before = 0;
  double after = 0;
  for (const Complex z : as_double(sequences)) before += std::norm(z);
  for (const Complex z : forward(sequences)) after += std::norm(z);
  EXPECT_NEAR(after / (before * length()), 1, 1e-5);
}

TEST_P(Radix2, TransformsAnImpulseExactly) {
  std::vector<float2> sequences(static_cast<std::size_t>(batch() * length()), make_float2(0, 0));
  for (int t = 0; t < batch(); ++t) {
    sequences[static_cast<std::size_t>(t * length())] = make_float2(1, 0);
  }
  for (const Complex z : forward(sequences)) ASSERT_EQ(z, Complex(1, 0));
}

TEST_P(Radix2, IsAsAccurateAsCufft) {
  const std::vector<float2> sequence = complex_noise(length(), 4);
  const std::vector<Complex> expected = reference_transform(as_double(sequence), -1);
  const Stream stream;
  DeviceBuffer<float2> in(sequence.size());
  DeviceBuffer<float2> out(sequence.size());
  upload_async<float2>(sequence, in.span(), stream);
  try {
    const CufftPlan plan(length(), CUFFT_C2C, 1);
    plan.complex_to_complex(in.data(), out.data(), CUFFT_FORWARD, stream);
    stream.synchronize();
  } catch (const CufftError& error) {
    GTEST_SKIP() << error.what();
  }
  std::vector<float2> spectrum(sequence.size());
  download_async<float2>(out.span(), spectrum, stream);
  stream.synchronize();
  const std::vector<Complex> theirs = as_double(spectrum);
  std::vector<float2> batched;
  for (int t = 0; t < batch(); ++t) batched.insert(batched.end(), sequence.begin(), sequence.end());
  const std::vector<Complex> all = forward(batched);
  const std::span<const Complex> ours = std::span(all).first(expected.size());
  const double theirs_constant = error_constant(theirs, expected);
  RecordProperty("cufft_error_constant", std::to_string(theirs_constant));
  RecordProperty("own_error_constant", std::to_string(error_constant(ours, expected)));
  // cuFFT promises none; ours is at most 1.
  EXPECT_LE(theirs_constant, 4.0);
  EXPECT_LE(error_constant(ours, theirs), 5.0);
}

INSTANTIATE_TEST_SUITE_P(Lengths2To, Radix2, ::testing::Range(1, 21));

TEST(UnitRoots, AreExactOnTheAxesAndSymmetric) {
  for (const long long length : {4LL, 8LL, 24LL, 1LL << 20}) {
    const float2 axis[] = {make_float2(1, 0), make_float2(0, 1), make_float2(-1, 0),
                           make_float2(0, -1)};
    for (int q = 0; q < 4; ++q) {
      const float2 root = unit_root(q * length / 4, length);
      EXPECT_EQ(root.x, axis[q].x);
      EXPECT_EQ(root.y, axis[q].y);
    }
    for (long long n = 0; n < length; n += 1 + length / 997) {
      const float2 root = unit_root(n, length);
      const float2 conjugate = unit_root(-n, length);
      ASSERT_EQ(root.x, conjugate.x);
      ASSERT_EQ(root.y, -conjugate.y);
      const double angle = 2 * M_PI * static_cast<double>(n) / static_cast<double>(length);
      ASSERT_NEAR(root.x, std::cos(angle), 0.6 * kUnit);
      ASSERT_NEAR(root.y, std::sin(angle), 0.6 * kUnit);
    }
  }
}

TEST(StageTwiddles, HoldEveryStageOfEveryShorterTransform) {
  const std::vector<float2> table = stage_twiddles(64);
  for (int half = 1; half <= 32; half *= 2) {
    for (int j = 0; j < half; ++j) {
      const float2 expected = unit_root(-j, 2 * half);
      const float2 seen = table[static_cast<std::size_t>(half + j)];
      EXPECT_EQ(seen.x, expected.x);
      EXPECT_EQ(seen.y, expected.y);
    }
  }
}

}  // namespace
}  // namespace gpuconv::test
