// reference.hpp - the oracle: convolution in double
#pragma once

#include <complex>
#include <span>
#include <vector>

namespace gpuconv::test {

struct Reference {
  std::vector<double> wet;        ///< y[n]
  std::vector<double> magnitude;  ///< sum_k |h[k] x[n-k]|
  double source_norm;             ///< ||x||
  double response_norm;           ///< ||h||
  double source_sum;              ///< sum |x|
  double response_sum;            ///< sum |h|
};

/// By the definition up to 2^24 products, by FFTW in double above that.
Reference reference(std::span<const float> source, std::span<const float> response);

/// One output by the definition.
double reference_at(std::span<const float> source, std::span<const float> response, std::size_t n);

/// Z[k] = sum_n z[n] exp(sign 2 pi i n k / length) by FFTW in double.
std::vector<std::complex<double>> reference_transform(
    std::span<const std::complex<double>> sequence, int sign);

}  // namespace gpuconv::test
