// verification.hpp - is what was rendered the convolution? 64 samples say so
//
//   y_e[n] = sum_k h_e[k] x[n-k]   in double, for 32 random n and both ears, while x streams by
//
// It notices what rounding cannot do: a block that is lost, swapped or twice there, an ear in the
// place of the other, a bit that flipped high in an exponent. Of a source that nobody knows the
// length of, 32 frames lie in what is known of it and 8 more in each doubling.
#pragma once

#include <cstdint>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

class Verification {
 public:
  /// `source_length`: N, or as much of it as is certain.
  Verification(const Stereo<Signal>& response, std::int64_t source_length);

  /// Takes the next samples of the source.
  void source(std::span<const float> block);
  /// Takes the next frames, from the first on.
  void wet(Stereo<std::span<const float>> frames);

  /// After the last of both. Throws GpuError or, for a method of the CPU, std::runtime_error, which
  /// name the frame, if one is off by more than the method's rounding can be.
  void check(const Method& method) const;

  /// How many samples were compared.
  std::int64_t samples() const;

 private:
  struct Probe {
    std::int64_t n;
    Stereo<double> sum;
    Stereo<double> magnitude;  // sum_k |h[k] x[n-k]|
    Stereo<float> seen;
  };

  void add_probes(std::int64_t first, std::int64_t last, int count);

  Stereo<Signal> reversed_;  // the response, from its last tap
  std::int64_t taps_;        // K
  std::uint64_t random_;
  std::int64_t probed_;  // frames before this one have their probes
  std::vector<Probe> probes_;
  double source_energy_ = 0;
  std::int64_t samples_read_ = 0;
  std::int64_t frames_seen_ = 0;
};

}  // namespace gpuconv
