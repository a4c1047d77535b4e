// delay.hpp - a response, later by a number of samples that need not be whole
//
//   y[n] = sum_k h[k] s(n - lead - k - delay),   s(t) = w(t) sinc(t),   |t| < kDelayReach
//
// A SOFA file may keep the arrival time of an ear apart from its taps, in fractions of a sample.
// The difference between the ears is what one hears as direction: half a sample at 44.1 kHz is 11
// us, about what a listener can tell. So a fraction is neither rounded nor refused but interpolated
// with linear phase; the ringing before the first tap is why the result begins `lead` samples
// early.
#pragma once

#include <span>

#include "host/base/signal.hpp"

namespace gpuconv {

/// Samples of ringing to each side of a tap that is moved by a fraction.
inline constexpr int kDelayReach = 32;

/// Nearer to a whole number than this is whole: 1e-3 of a sample is 23 ns at 44.1 kHz.
bool is_whole(double delay);

/// `taps`, later by `delay` >= 0 samples, with `lead` samples before time zero. A whole delay moves
/// the taps and changes none; another one needs lead >= kDelayReach.
Signal delayed(std::span<const float> taps, double delay, int lead);

/// sum_k h[k] s(t - k): the response at any time t, in samples, by the same interpolation.
double value_at(std::span<const float> taps, double t);

}  // namespace gpuconv
