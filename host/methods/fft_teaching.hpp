// fft_teaching.hpp - what the transforms that are there to be read have in common
//
//   X[k] = sum_n x[n] w^(nk),   w = exp(-2 pi i / L),   0 <= k < L
//   x * h = inverse of X[k] H[k], where L >= N+K-1 so that nothing wraps around
#pragma once

#include <complex>
#include <functional>
#include <numbers>
#include <span>
#include <vector>

namespace gpuconv {

using Complex = std::complex<float>;
using ComplexSignal = std::vector<Complex>;

/// The least power of two that is at least `length`; `length` itself if it is one.
std::size_t padded_length(std::size_t length);

/// w^n for 0 <= n < length, computed in double and rounded once: a recurrence in float would lose a
/// digit for every few octaves.
template <class Real>
std::vector<std::complex<Real>> roots_of_unity(std::size_t length) {
  std::vector<std::complex<Real>> roots;
  roots.reserve(length);
  const double step = -2.0 * std::numbers::pi / static_cast<double>(length);
  for (std::size_t n = 0; n < length; ++n) {
    roots.emplace_back(std::polar(1.0, step * static_cast<double>(n)));
  }
  return roots;
}

/// a b without the rescue of infinities after it that std::complex does: a level of the transform
/// takes half the time.
template <class Real>
std::complex<Real> product(std::complex<Real> a, std::complex<Real> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// One level of Cooley and Tukey: the transforms `even` and `odd` of the even and odd samples, the
/// halves of `spectrum`, become the transform of all of them. `roots` are those of length
/// `spectrum.size() * stride`.
///
///   X[k]       = E[k] + w^k O[k]
///   X[k + L/2] = E[k] - w^k O[k]
void combine_halves(std::span<Complex> spectrum, std::span<const Complex> roots,
                    std::size_t stride);

/// The spectrum of `signal`, both of length L; `roots` are w^n for 0 <= n < L.
using Transform = std::function<void(std::span<const Complex> signal,
                                     std::span<const Complex> roots, std::span<Complex> spectrum)>;

/// `wet` = `source` * `response` by `transform` of the padded length. The inverse is the same
/// transform, read backwards: w^(-nk) = w^((L-n)k).
void convolve_by_transform(std::span<const float> source, std::span<const float> response,
                           std::span<float> wet, const Transform& transform);

}  // namespace gpuconv
