#include "tests/support/reference.hpp"

#include <fftw3.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace gpuconv::test {
namespace {

using Complex = std::complex<double>;

double norm(std::span<const float> signal) {
  double sum = 0;
  for (const float sample : signal) sum += double{sample} * double{sample};
  return std::sqrt(sum);
}

double sum_of_magnitudes(std::span<const float> signal) {
  double sum = 0;
  for (const float sample : signal) sum += std::abs(double{sample});
  return sum;
}

void by_definition(std::span<const float> source, std::span<const float> response,
                   Reference& result) {
  for (std::size_t k = 0; k < response.size(); ++k) {
    const double h = response[k];
    double* const wet = result.wet.data() + k;
    double* const magnitude = result.magnitude.data() + k;
    for (std::size_t n = 0; n < source.size(); ++n) {
      const double product = h * double{source[n]};
      wet[n] += product;
      magnitude[n] += std::abs(product);
    }
  }
}

std::vector<double> by_transform(const std::vector<double>& source,
                                 const std::vector<double>& response, std::size_t wet_length) {
  const std::size_t length = std::bit_ceil(wet_length);
  std::vector<Complex> x(length), h(length);
  std::copy(source.begin(), source.end(), x.begin());
  std::copy(response.begin(), response.end(), h.begin());
  x = reference_transform(x, -1);
  h = reference_transform(h, -1);
  for (std::size_t k = 0; k < length; ++k) x[k] *= h[k];
  x = reference_transform(x, 1);
  std::vector<double> wet(wet_length);
  for (std::size_t n = 0; n < wet_length; ++n) wet[n] = x[n].real() / static_cast<double>(length);
  return wet;
}

std::vector<double> as_double(std::span<const float> signal, bool takes_magnitude) {
  std::vector<double> result(signal.begin(), signal.end());
  if (takes_magnitude) {
    for (double& sample : result) sample = std::abs(sample);
  }
  return result;
}

}  // namespace

std::vector<Complex> reference_transform(std::span<const Complex> sequence, int sign) {
  std::vector<Complex> result(sequence.begin(), sequence.end());
  auto* const data = reinterpret_cast<fftw_complex*>(result.data());
  const fftw_plan plan =
      fftw_plan_dft_1d(static_cast<int>(result.size()), data, data, sign, FFTW_ESTIMATE);
  fftw_execute(plan);
  fftw_destroy_plan(plan);
  return result;
}

Reference reference(std::span<const float> source, std::span<const float> response) {
  const std::size_t wet_length = source.size() + response.size() - 1;
  Reference result{std::vector<double>(wet_length),
                   std::vector<double>(wet_length),
                   norm(source),
                   norm(response),
                   sum_of_magnitudes(source),
                   sum_of_magnitudes(response)};
  if (source.size() * response.size() <= std::size_t{1} << 24) {
    by_definition(source, response, result);
    return result;
  }
  for (const bool takes_magnitude : {false, true}) {
    (takes_magnitude ? result.magnitude : result.wet) = by_transform(
        as_double(source, takes_magnitude), as_double(response, takes_magnitude), wet_length);
  }
  return result;
}

double reference_at(std::span<const float> source, std::span<const float> response, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < response.size() && k <= n; ++k) {
    if (n - k < source.size()) sum += double{response[k]} * double{source[n - k]};
  }
  return sum;
}

}  // namespace gpuconv::test
