#include "host/sofa/transfer.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "host/error.hpp"

namespace gpuconv::sofa {
namespace {

using Complex = std::complex<double>;

constexpr double kGridError = 1e-3;  // of a step: grids are often written in float32

std::size_t smallest_factor(std::size_t length) {
  for (std::size_t factor = 2; factor * factor <= length; ++factor) {
    if (length % factor == 0) return factor;
  }
  return length;
}

/// Cooley-Tukey for any factors: y[k] = sum_n x[n stride] roots[k n root_step].
void transform(const Complex* x, std::size_t stride, std::span<Complex> y,
               const std::vector<Complex>& roots) {
  const std::size_t length = y.size();
  if (length == 1) {
    y[0] = x[0];
    return;
  }
  const std::size_t radix = smallest_factor(length);
  const std::size_t part = length / radix;
  const std::size_t root_step = roots.size() / length;
  std::vector<Complex> parts(length);
  for (std::size_t r = 0; r < radix; ++r) {
    transform(x + r * stride, radix * stride, std::span(parts).subspan(r * part, part), roots);
  }
  for (std::size_t k = 0; k < length; ++k) {
    Complex sum = 0;
    for (std::size_t r = 0; r < radix; ++r) {
      sum += parts[r * part + k % part] * roots[(r * k % length) * root_step];
    }
    y[k] = sum;
  }
}

}  // namespace

FrequencyGrid grid_of(const std::string& path, std::span<const double> frequencies,
                      bool is_last_bin_real) {
  if (frequencies.size() < 2) {
    throw FileError(path, fmt::format("has {} frequencies (limit 2 and more)", frequencies.size()));
  }
  const auto last = static_cast<double>(frequencies.size() - 1);
  FrequencyGrid grid;
  grid.step = (frequencies.back() - frequencies.front()) / last;
  grid.lacks_zero = frequencies.front() > grid.step / 2;
  grid.is_even = is_last_bin_real;
  grid.bins = std::ssize(frequencies) + (grid.lacks_zero ? 1 : 0);
  const double origin = grid.lacks_zero ? grid.step : 0;
  for (std::size_t n = 0; n < frequencies.size(); ++n) {
    const double expected = origin + static_cast<double>(n) * grid.step;
    if (std::abs(frequencies[n] - expected) <= kGridError * grid.step && grid.step > 0) continue;
    throw FileError(path, fmt::format("its transfer functions (data type TF) are not on a uniform "
                                      "grid from 0 Hz: frequency {} is {} Hz where {} Hz are "
                                      "needed; convert it to impulse responses",
                                      n, frequencies[n], expected));
  }
  return grid;
}

std::vector<double> impulse_response(std::span<const Complex> bins, const FrequencyGrid& grid) {
  const auto length = static_cast<std::size_t>(grid.taps());
  std::vector<Complex> spectrum(length);
  const auto put = [&](std::size_t n, Complex value) {
    spectrum[n] = value;
    spectrum[(length - n) % length] = std::conj(value);
  };
  const std::size_t shift = grid.lacks_zero ? 1 : 0;
  for (std::size_t n = 0; n < bins.size(); ++n) put(n + shift, bins[n]);
  spectrum[0] = grid.lacks_zero ? std::abs(bins[0]) : bins[0].real();
  if (grid.is_even) spectrum[length / 2] = bins.back().real();
  std::vector<Complex> roots(length);
  for (std::size_t k = 0; k < length; ++k) {
    roots[k] = std::polar(
        1.0, 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length));
  }
  std::vector<Complex> result(length);
  transform(spectrum.data(), 1, result, roots);
  std::vector<double> taps(length);
  for (std::size_t k = 0; k < length; ++k) taps[k] = result[k].real() / static_cast<double>(length);
  return taps;
}

}  // namespace gpuconv::sofa
