// verification.hpp - 64 random samples of the result, compared with the definition
//
//   y_e[n] = sum_k h_e[k] x[n-k]   in double, for 32 random n and both ears, while x streams by
//
// It notices errors larger than rounding: a lost, swapped or repeated block, exchanged ears, a
// flipped exponent bit. If the length of the source is unknown, 32 frames lie in the known part and
// 8 more in each doubling.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/definition.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

class Verification {
 public:
  /// `source_length` is N, or the number of samples that will come for certain. `response` must
  /// outlive the verification.
  Verification(const Stereo<Signal>& response, std::int64_t source_length);

  /// Takes the next samples of the source. May be called while another thread is in wet().
  void source(std::span<const float> block);
  /// Takes the next frames, from the first on. Their samples have been taken before.
  void wet(Stereo<std::span<const float>> frames);

  /// Compares, after the last sample and frame. If a frame differs by more than the method's
  /// rounding, throws GpuError, or std::runtime_error for a CPU method. The message names the
  /// frame.
  void check(const Method& method) const;

  /// Number of samples compared.
  std::int64_t samples() const;

 private:
  struct Probe {
    std::int64_t n;
    Stereo<ExactSample> exact;  // the sum so far
    Stereo<float> seen;
  };

  void add_probes(std::int64_t first, std::int64_t last, int count);

  const Stereo<Signal>& response_;
  std::int64_t taps_;  // K
  std::mutex mutex_;   // for all below
  std::uint64_t random_;
  std::int64_t probed_;  // earlier frames have their probes
  std::vector<Probe> probes_;
  double source_energy_ = 0;
  std::int64_t samples_read_ = 0;
  std::int64_t frames_seen_ = 0;
};

}  // namespace gpuconv
