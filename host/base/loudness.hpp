// loudness.hpp - integrated loudness (ITU-R BS.1770-4, EBU R 128) of a whole result
//
//   z_j = sum over the channels of the mean square of the K-weighted samples of block j
//   l_j = -0.691 + 10 log10 z_j                            blocks of 400 ms, one each 100 ms
//   L   = -0.691 + 10 log10 mean(z_j),  j: l_j > -70 and l_j > T
//   T   = -10 - 0.691 + 10 log10 mean(z_j),  j: l_j > -70
//
// libebur128 weights the samples and gives the z_j. The gates are here, because the question is not
// how loud a result is but which factor makes it as loud as asked: the gate at -70 LUFS stands
// still while the result moves, so the loudness after a gain of g dB is not always L + g.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

class LoudnessMeter {
 public:
  /// `channels`: 2 takes both ears, 1 the left one. `rate` in Hz,
  /// at least kLeastRate.
  LoudnessMeter(int rate, int channels);
  ~LoudnessMeter();

  /// Takes the next frames. The result does not depend on where frames are cut.
  void take(Stereo<std::span<const float>> wet);

  /// LUFS after a gain of `gain_db`; nothing without a block that passes the gates.
  std::optional<double> loudness(double gain_db = 0) const;

  /// The gain, in dB, after which the loudness is `lufs`; where a gate makes it jump past that, the
  /// gain with the nearest loudness that was found. Nothing if no block is complete or all are
  /// silent.
  std::optional<double> gain_to(double lufs) const;

  /// Below, a filter of the K-weighting (1682 Hz) would lie above half the rate.
  static constexpr int kLeastRate = 4000;
  /// The fewest frames that have a loudness: 400 ms.
  static std::int64_t fewest_frames(int rate) { return kHopsOfBlock * hop_frames(rate); }

 private:
  static constexpr int kHopsOfBlock = 4;

  struct State;  // of libebur128

  /// 100 ms, rounded as libebur128 does.
  static std::int64_t hop_frames(int rate) { return (rate + 5) / 10; }
  void take_hop();
  double mean_above(double gain, double least) const;

  std::unique_ptr<State> state_;
  std::size_t channels_;
  std::size_t hop_;            // samples of all channels in 100 ms
  std::vector<float> frames_;  // of a hop that is not complete, interleaved
  std::int64_t hops_ = 0;
  std::vector<double> blocks_;  // z_j
};

/// Version of the libebur128 that is loaded: "1.2.6".
std::string ebur128_library_version();

}  // namespace gpuconv
