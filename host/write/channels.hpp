// channels.hpp - which of the two ears go into the file
//
//   both   left and right       two channels
//   left   one ear              one channel
//   right  the other            one channel
//   mono   (left + right) / 2   one channel
//
// The mean is what data sets expect of a mono file: librosa.to_mono(), torchaudio's mean over
// channels, "sox remix -" and "ffmpeg -ac 1" all give it. It never exceeds the louder ear.
#pragma once

#include <span>

#include "host/base/signal.hpp"

namespace gpuconv {

enum class Channels { both, left, right, mono };

/// "both", "left", "right" or "mono".
const char* name(Channels channels);

constexpr int count(Channels channels) { return channels == Channels::both ? 2 : 1; }

/// What the file gets of `wet`. For one channel both spans are that channel. `mean` holds the
/// samples of a mean until the next call.
Stereo<std::span<const float>> pick(Stereo<std::span<const float>> wet, Channels channels,
                                    Signal& mean);

}  // namespace gpuconv
