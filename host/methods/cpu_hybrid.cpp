#include "host/methods/cpu_hybrid.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <complex>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/methods/fft_teaching.hpp"

namespace gpuconv {

namespace {

class HybridTransform {
 public:
  /// Row n of the matrix holds w^(nk) for all k.
  explicit HybridTransform(std::size_t leaf) : leaf_(leaf), matrix_(leaf * leaf) {
    const std::vector<std::complex<double>> roots = roots_of_unity<double>(leaf);
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
  // In double: as float sums, 32 products lose more than the five levels they stand for.
  void transform_leaf(const Complex* signal, std::size_t stride,
                      std::span<Complex> spectrum) const {
    std::array<std::complex<double>, kLongestHybridLeaf> sums{};
    for (std::size_t n = 0; n < leaf_; ++n) {
      const std::complex<double> x = signal[n * stride];
      const std::complex<double>* const row = &matrix_[n * leaf_];
      for (std::size_t k = 0; k < leaf_; ++k) sums[k] += product(x, row[k]);
    }
    std::copy_n(sums.begin(), leaf_, spectrum.begin());
  }

  std::size_t leaf_;
  std::vector<std::complex<double>> matrix_;
};

}  // namespace

void convolve_hybrid(std::span<const float> source, std::span<const float> response,
                     std::span<float> wet, int leaf) {
  if (leaf < 1 || leaf > kLongestHybridLeaf || !std::has_single_bit(static_cast<unsigned>(leaf))) {
    throw std::invalid_argument("a leaf must be a power of two up to " +
                                std::to_string(kLongestHybridLeaf) + ", not " +
                                std::to_string(leaf));
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
