#include "host/room/sofa/transfer.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "host/base/error.hpp"

namespace gpuconv::sofa {
namespace {

using Complex = std::complex<double>;

// Grids are often written in float32.
constexpr double kGridError = 1e-3;       // of a step
constexpr double kRoundingError = 2e-7;   // of a frequency
constexpr std::size_t kLargeFactor = 64;  // Cooley-Tukey takes as many passes

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

std::vector<Complex> roots_of(std::size_t length) {
  std::vector<Complex> roots(length);
  for (std::size_t k = 0; k < length; ++k) {
    roots[k] = std::polar(
        1.0, 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length));
  }
  return roots;
}

std::vector<Complex> cooley_tukey(const std::vector<Complex>& x) {
  std::vector<Complex> y(x.size());
  transform(x.data(), 1, y, roots_of(x.size()));
  return y;
}

/// The same for lengths with large factors (Bluestein 1970): k n = (k^2 + n^2 - (k - n)^2) / 2
/// makes it a convolution with the chirp e^(-pi i n^2 / L), done at a power of two.
std::vector<Complex> bluestein(const std::vector<Complex>& x) {
  const std::size_t length = x.size();
  const std::size_t padded = std::bit_ceil(2 * length - 1);
  std::vector<Complex> chirp(length);
  for (std::size_t n = 0; n < length; ++n) {
    const auto turns = static_cast<double>(n * n % (2 * length)) / static_cast<double>(length);
    chirp[n] = std::polar(1.0, std::numbers::pi * turns);
  }
  std::vector<Complex> a(padded);
  std::vector<Complex> b(padded);
  for (std::size_t n = 0; n < length; ++n) {
    a[n] = x[n] * chirp[n];
    b[n] = b[(padded - n) % padded] = std::conj(chirp[n]);
  }
  a = cooley_tukey(a);
  b = cooley_tukey(b);
  for (std::size_t n = 0; n < padded; ++n) a[n] = std::conj(a[n] * b[n]);
  a = cooley_tukey(a);
  std::vector<Complex> y(length);
  for (std::size_t k = 0; k < length; ++k) {
    y[k] = chirp[k] * std::conj(a[k]) / static_cast<double>(padded);
  }
  return y;
}

/// y[k] = sum_n x[n] e^(2 pi i k n / L).
std::vector<Complex> inverse_transform(const std::vector<Complex>& x) {
  std::size_t rest = x.size();
  std::size_t factor = 1;
  while (rest > 1 && factor <= kLargeFactor) {
    factor = smallest_factor(rest);
    rest /= factor;
  }
  return factor <= kLargeFactor ? cooley_tukey(x) : bluestein(x);
}

}  // namespace

FrequencyGrid grid_of(const std::string& path, std::span<const double> frequencies, bool is_even) {
  if (frequencies.size() < 2) {
    throw FileError(path, fmt::format("has {} frequencies (limit 2 and more)", frequencies.size()));
  }
  const auto last = static_cast<double>(frequencies.size() - 1);
  FrequencyGrid grid;
  grid.step = (frequencies.back() - frequencies.front()) / last;
  grid.lacks_zero = frequencies.front() > grid.step / 2;
  grid.is_even = is_even;
  grid.bins = std::ssize(frequencies) + (grid.lacks_zero ? 1 : 0);
  const double origin = grid.lacks_zero ? grid.step : 0;
  for (std::size_t n = 0; n < frequencies.size(); ++n) {
    const double expected = origin + static_cast<double>(n) * grid.step;
    const double error = kGridError * grid.step + kRoundingError * expected;
    if (std::abs(frequencies[n] - expected) <= error && grid.step > 0) continue;
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
  spectrum[0] = grid.lacks_zero ? std::copysign(std::abs(bins[0]), bins[0].real()) : bins[0].real();
  if (grid.is_even) spectrum[length / 2] = bins.back().real();
  const std::vector<Complex> result = inverse_transform(spectrum);
  std::vector<double> taps(length);
  for (std::size_t k = 0; k < length; ++k) taps[k] = result[k].real() / static_cast<double>(length);
  return taps;
}

}  // namespace gpuconv::sofa
