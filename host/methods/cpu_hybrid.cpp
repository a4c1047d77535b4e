#include "host/methods/cpu_hybrid.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

#include "host/methods/fft_teaching.hpp"

namespace gpuconv {

namespace {

class HybridTransform {
 public:
  /// Row n of the matrix holds w^(nk) for all k.
  explicit HybridTransform(std::size_t leaf) : leaf_(leaf), matrix_(leaf * leaf) {
    const ComplexSignal roots = roots_of_unity<float>(leaf);
    for (std::size_t n = 0; n < leaf; ++n) {
      for (std::size_t k = 0; k < leaf; ++k) matrix_[n * leaf + k] = roots[n * k % leaf];
    }
  }

  /// The transform of signal[0], signal[stride], signal[2 stride], ...: as many as `spectrum`
  /// holds.
  void operator()(const Complex* signal, std::size_t stride, std::span<const Complex> roots,
                  std::span<Complex> spectrum) const {
    if (spectrum.size() == leaf_) return transform_leaf(signal, stride, spectrum);
    const std::size_t half = spectrum.size() / 2;
    (*this)(signal, 2 * stride, roots, spectrum.first(half));
    (*this)(signal + stride, 2 * stride, roots, spectrum.last(half));
    combine_halves(spectrum, roots, stride);
  }

 private:
  void transform_leaf(const Complex* signal, std::size_t stride,
                      std::span<Complex> spectrum) const {
    std::fill(spectrum.begin(), spectrum.end(), Complex(0));
    for (std::size_t n = 0; n < leaf_; ++n) {
      const Complex x = signal[n * stride];
      const Complex* const row = &matrix_[n * leaf_];
      for (std::size_t k = 0; k < leaf_; ++k) spectrum[k] += product(x, row[k]);
    }
  }

  std::size_t leaf_;
  ComplexSignal matrix_;
};

}  // namespace

void convolve_hybrid(std::span<const float> source, std::span<const float> response,
                     std::span<float> wet, int leaf) {
  if (leaf < 1 || !std::has_single_bit(static_cast<unsigned>(leaf))) {
    throw std::invalid_argument("a leaf must be a power of two, not " + std::to_string(leaf));
  }
  // A short signal is one leaf.
  const HybridTransform transform(
      std::min(static_cast<std::size_t>(leaf), padded_length(wet.size())));
  convolve_by_transform(
      source, response, wet,
      [&](std::span<const Complex> signal, std::span<const Complex> roots,
          std::span<Complex> spectrum) { transform(signal.data(), 1, roots, spectrum); });
}

}  // namespace gpuconv
