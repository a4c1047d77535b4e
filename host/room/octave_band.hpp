// octave_band.hpp - octaves of a response
//
// Butterworth band-pass of order 14 (7 biquads), designed by the bilinear transform with both edges
// where they belong. Rooms ring longest at low frequencies: with order 6, which class 1 of IEC
// 61260-1 asks for, what came through from the octave below made T30 of 8 kHz 8 % longer in a hall.
// Octaves are those to the base 10: middle f = 1000 Hz * 10^(3k/10), edges f * 10^(+-0.15).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace gpuconv {

class OctaveBand {
 public:
  /// Around `middle` Hz, for `rate` samples per second; its upper edge lies below rate / 2.
  OctaveBand(double middle, double rate);

  /// The band of `samples`, from rest. As long as they are, and `tail` samples longer.
  std::vector<double> of(std::span<const double> samples, std::size_t tail = 0) const;

 private:
  struct Section {  // (b0 - b0 z^-2) / (1 + a1 z^-1 + a2 z^-2)
    double b0, a1, a2;
  };
  static constexpr int kOrder = 7;  // of the low-pass; odd
  std::array<Section, kOrder> sections_;
};

/// Middles in Hz of the octaves "125 Hz" to "8 kHz" that a rate has room for.
std::vector<double> octaves(double rate);

/// Upper edge of an octave in Hz.
double upper_edge(double middle);

}  // namespace gpuconv
