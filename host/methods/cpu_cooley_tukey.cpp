#include "host/methods/cpu_cooley_tukey.hpp"

namespace gpuconv {

namespace {

/// The transform of signal[0], signal[stride], signal[2 stride], ...: as many as `spectrum` holds.
void transform(const Complex* signal, std::size_t stride, std::span<const Complex> roots,
               std::span<Complex> spectrum) {
  if (spectrum.size() == 1) {
    spectrum[0] = signal[0];
    return;
  }
  const std::size_t half = spectrum.size() / 2;
  transform(signal, 2 * stride, roots, spectrum.first(half));
  transform(signal + stride, 2 * stride, roots, spectrum.last(half));
  combine_halves(spectrum, roots, stride);
}

}  // namespace

void transform_cooley_tukey(std::span<const Complex> signal, std::span<const Complex> roots,
                            std::span<Complex> spectrum) {
  transform(signal.data(), 1, roots, spectrum);
}

void convolve_cooley_tukey(std::span<const float> source, std::span<const float> response,
                           std::span<float> wet) {
  convolve_by_transform(source, response, wet, transform_cooley_tukey);
}

}  // namespace gpuconv
