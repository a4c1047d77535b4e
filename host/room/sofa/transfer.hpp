// transfer.hpp - impulse responses from transfer functions on a uniform grid of frequencies
#pragma once

#include <complex>
#include <span>
#include <string>
#include <vector>

namespace gpuconv::sofa {

/// What a grid of frequencies says of the response whose transform was sampled on it.
struct FrequencyGrid {
  double step = 0;          ///< Hz
  bool lacks_zero = false;  ///< it begins at `step`
  bool is_even = true;      ///< the last bin is half of the sample rate

  std::int64_t bins = 0;  ///< with the one at 0 Hz
  std::int64_t taps() const { return is_even ? 2 * (bins - 1) : 2 * bins - 1; }
  double rate() const { return static_cast<double>(taps()) * step; }  ///< Hz
};

/// Throws FileError unless the frequencies (Hz) are n step or (n + 1) step, n = 0, 1, ...
FrequencyGrid grid_of(const std::string& path, std::span<const double> frequencies, bool is_even);

/// h[k] = (1/L) sum_n H[n] e^(2 pi i k n / L), L = grid.taps(), for the Hermitian H whose first
/// half is `bins`; where the grid lacks 0 Hz, with |H[1]| and the sign of its real part there.
/// Scaled as AES69 has it: a response of one tap 1 is the transfer function 1.
std::vector<double> impulse_response(std::span<const std::complex<double>> bins,
                                     const FrequencyGrid& grid);

}  // namespace gpuconv::sofa
