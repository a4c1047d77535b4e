// onset.hpp - when the direct sound arrives
//
//   n0 = the first n with |h_e[n]| >= max |h| / 10 in either ear e
//
// ISO 3382-1:2009, A.3.4, wants an impulse response to begin where it rises well above its noise
// but is still more than 20 dB below its maximum: so the first sample within 20 dB of the maximum
// is taken. The maximum is that of both ears. An ear in the shadow of the head, or one that holds
// noise only, has a lower one, and its own noise could begin anywhere.
#pragma once

#include <cstddef>
#include <optional>

#include "host/base/signal.hpp"

namespace gpuconv {

/// First sample within 20 dB of `maximum`; nothing where there is none, or the maximum is 0.
std::optional<std::size_t> first_near(const Signal& taps, float maximum);

/// max |h|.
float maximum_of(const Signal& taps);

/// n0 in samples, where both ears come later by `delays`, which need not be whole: the earlier ear
/// counts. 0 for silence.
double direct_sound(const Stereo<Signal>& taps, const Stereo<double>& delays = {});

/// When the sound arrives at one ear, in samples and their fractions: where |h|, interpolated,
/// first comes within 20 dB of this ear's own maximum. Nothing for silence.
///
/// Interpolated directions are aligned by it. Leaving out every other direction of KEMAR (MIT,
/// horizontal) and interpolating it from its neighbours, 10 degrees apart, gives it back with an
/// error of -17 dB and a spectral distance of 1.9 dB (rms, 0.2 to 16 kHz). Thresholds of 10 and 6
/// dB jump between peaks in the shadow of the head and leave -10 dB and -9 dB, the peak of the
/// cross-correlation with the minimum-phase response -12 dB, and no alignment -9 dB and 6.8 dB.
std::optional<double> arrival(const Signal& taps);

}  // namespace gpuconv
