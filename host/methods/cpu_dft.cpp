#include "host/methods/cpu_dft.hpp"

#include <complex>
#include <vector>

#include "host/methods/cpu_lengths.hpp"
#include "host/methods/fft_teaching.hpp"

namespace gpuconv {

namespace {

using Spectrum = std::vector<std::complex<double>>;

/// `powers` are w^n for 0 <= n < L. Since w^L = 1, these are all the powers there are.
Spectrum transform(std::span<const float> samples, const Spectrum& powers) {
  const std::size_t L = powers.size();
  Spectrum spectrum(L);
  for (std::size_t k = 0; k < L; ++k) {
    std::size_t nk = 0;  // modulo L
    for (const float x : samples) {
      spectrum[k] += static_cast<double>(x) * powers[nk];
      nk = (nk + k) % L;
    }
  }
  return spectrum;
}

}  // namespace

void convolve_dft(std::span<const float> source, std::span<const float> response,
                  std::span<float> wet) {
  check_lengths(source, response, wet);
  const std::size_t L = wet.size();
  const Spectrum powers = roots_of_unity<double>(L);
  const Spectrum X = transform(source, powers);
  const Spectrum H = transform(response, powers);

  Spectrum Y(L);
  for (std::size_t k = 0; k < L; ++k) Y[k] = X[k] * H[k];

  for (std::size_t n = 0; n < L; ++n) {
    double sum = 0.0;  // of real parts: y is real
    std::size_t nk = 0;
    for (std::size_t k = 0; k < L; ++k) {
      const std::complex<double> w = powers[nk];  // w^(-nk) is its conjugate
      sum += Y[k].real() * w.real() + Y[k].imag() * w.imag();
      nk = (nk + n) % L;
    }
    wet[n] = static_cast<float>(sum / static_cast<double>(L));
  }
}

}  // namespace gpuconv
