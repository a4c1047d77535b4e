#include "host/room/octave_band.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace gpuconv {
namespace {

using Complex = std::complex<double>;

const double kHalfWidth = std::pow(10.0, 0.15);  // of an octave, as a ratio

}  // namespace

double upper_edge(double middle) { return middle * kHalfWidth; }

OctaveBand::OctaveBand(double middle, double rate) {
  // s = (z-1)/(z+1) takes z = exp(i w) to s = i tan(w/2).
  const auto warped = [rate](double hertz) { return std::tan(std::numbers::pi * hertz / rate); };
  const double low = warped(middle / kHalfWidth);
  const double high = warped(upper_edge(middle));
  const double width = high - low;
  const double centre_squared = low * high;
  const Complex centre = {0, std::sqrt(centre_squared)};
  const Complex z = (1.0 + centre) / (1.0 - centre);
  // A pole p of the low-pass becomes both roots of s^2 - p width s + low high. The real one gives a
  // pair of conjugates; of a complex pair one gives the two whose conjugates the other gives.
  std::vector<Complex> poles;
  for (int k = 0; k <= kOrder / 2; ++k) {
    const Complex p = std::polar(1.0, std::numbers::pi * (0.5 + (k + 0.5) / kOrder));
    const Complex half = p * width / 2.0;
    const Complex root = std::sqrt(half * half - centre_squared);
    poles.push_back(half + root);
    if (k < kOrder / 2) poles.push_back(half - root);
  }
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    const Complex pole = (1.0 + poles[i]) / (1.0 - poles[i]);
    Section& section = sections_[i];
    section = {1, -2 * pole.real(), std::norm(pole)};
    const Complex response = (1.0 - 1.0 / (z * z)) / (1.0 + section.a1 / z + section.a2 / (z * z));
    section.b0 = 1 / std::abs(response);  // gain 1 in the middle
  }
}

std::vector<double> OctaveBand::of(std::span<const double> samples, std::size_t tail) const {
  std::vector<double> band(samples.begin(), samples.end());
  band.resize(samples.size() + tail);
  for (const Section& section : sections_) {
    double first = 0, second = 0;  // transposed direct form II
    for (double& x : band) {
      const double y = section.b0 * x + first;
      first = second - section.a1 * y;
      second = -section.b0 * x - section.a2 * y;
      x = y;
    }
  }
  return band;
}

std::vector<double> octaves(double rate) {
  std::vector<double> middles;
  for (int k = -3; k <= 3; ++k) {
    const double middle = 1000 * std::pow(10.0, 0.3 * k);
    if (upper_edge(middle) < 0.48 * rate) middles.push_back(middle);
  }
  return middles;
}

}  // namespace gpuconv
