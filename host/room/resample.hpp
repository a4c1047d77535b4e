// resample.hpp - a response at another sample rate
//
// The response is converted and never the recording: it is the shorter one. Three things are easily
// lost on the way, and kept here.
//
// Level: a filter twice as dense sums twice as much, so the taps are scaled by old rate / new rate.
//
// Arrival: the resampler rings to both sides of a tap. Of a tap at sample 0 the part before time
// zero would be cut, up to 17 % of its gain, and differently for each ear. So both ears get the
// same zeros before, and Response::latency_frames says how many wet frames to crop.
//
// End: zeros after the last tap let its ringing end.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host/room/response.hpp"

namespace gpuconv {

/// `response` at `rate` Hz. Both ears have one length, and `latency_frames` is exact, a whole
/// number of new samples, whatever the rates. Throws UsageError where a rate is out of range, both
/// are further apart than 1:256, or the result would be longer than kMaxTaps.
Response resample(const Response& response, int rate);

/// ceil(frames to / from): so many at rate `to` last as long as `frames` at rate `from`, and no
/// frame is lost.
std::int64_t frames_at_rate(std::int64_t frames, int from, int to);

/// Throws UsageError where a rate is out of range or both are further apart than 1:256.
void check_rates(int from, int to);

/// Sound at another rate, a portion at a time. Its level stays, and so does its time.
class SoundResampler {
 public:
  /// Throws what check_rates() throws.
  SoundResampler(int from, int to, int channels);
  ~SoundResampler();

  /// Appends to `converted` what comes out for the next `frames`; both are interleaved. How much
  /// that is depends on the frames before, and the samples on nothing but all frames so far.
  void convert(std::span<const float> frames, std::vector<float>& converted);

  /// Appends what is still to come after the last frames. Nothing may be converted after that.
  void finish(std::vector<float>& converted);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Version of the soxr that is loaded: "0.1.3".
std::string soxr_library_version();

}  // namespace gpuconv
