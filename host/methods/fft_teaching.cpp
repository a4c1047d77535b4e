#include "host/methods/fft_teaching.hpp"

#include <algorithm>
#include <bit>

#include "host/methods/cpu_lengths.hpp"

namespace gpuconv {

std::size_t padded_length(std::size_t length) { return std::bit_ceil(length); }

void combine_halves(std::span<Complex> spectrum, std::span<const Complex> roots,
                    std::size_t stride) {
  const std::size_t half = spectrum.size() / 2;
  for (std::size_t k = 0; k < half; ++k) {
    const Complex even = spectrum[k];
    const Complex odd = product(roots[k * stride], spectrum[k + half]);
    spectrum[k] = even + odd;
    spectrum[k + half] = even - odd;
  }
}

void convolve_by_transform(std::span<const float> source, std::span<const float> response,
                           std::span<float> wet, const Transform& transform) {
  check_lengths(source, response, wet);
  const std::size_t L = padded_length(wet.size());
  const ComplexSignal roots = roots_of_unity<float>(L);
  const auto spectrum_of = [&](std::span<const float> samples) {
    ComplexSignal padded(L);
    std::copy(samples.begin(), samples.end(), padded.begin());
    ComplexSignal spectrum(L);
    transform(padded, roots, spectrum);
    return spectrum;
  };

  ComplexSignal spectrum = spectrum_of(source);
  const ComplexSignal response_spectrum = spectrum_of(response);
  for (std::size_t k = 0; k < L; ++k) spectrum[k] = product(spectrum[k], response_spectrum[k]);

  ComplexSignal backwards(L);
  transform(spectrum, roots, backwards);
  const float scale = 1.0F / static_cast<float>(L);
  for (std::size_t n = 0; n < wet.size(); ++n) wet[n] = scale * backwards[(L - n) % L].real();
}

}  // namespace gpuconv
