// problem.hpp - what is convolved, and whether the result is right
#pragma once

#include <cstdint>
#include <string>

#include "host/base/signal.hpp"
#include "host/methods/definition.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

/// `clips` sources of N samples, each with the same response of K taps at two ears.
struct Problem {
  std::string name;
  std::int64_t N = 0;
  std::int64_t K = 0;
  int clips = 1;

  std::int64_t wet_length() const { return N + K - 1; }
  /// K / N in sixteenths of an octave: rounded sizes are of the same shape.
  long shape() const;
};

/// "200000x70000", or "160000x16000x1024" for 1024 clips. Throws UsageError.
Problem parse_problem(const std::string& text);

/// Seeded noise; the response decays by 60 dB over its length, as a room does.
struct Sounds {
  explicit Sounds(const Problem& problem);
  Signal source;  ///< clips one after another
  Stereo<Signal> response;

  std::span<const float> clip(const Problem& problem, int index) const {
    const auto N = static_cast<std::size_t>(problem.N);
    return std::span(source).subspan(static_cast<std::size_t>(index) * N, N);
  }
};

/// The definition in double at some outputs, spread at random over clips, ears and time.
class Expectation {
 public:
  Expectation(const Problem& problem, const Sounds& sounds);

  struct Verdict {
    /// E = ||y^ - y|| / max(||y||, ||x|| ||h||) of the worse ear, norms of y estimated from the
    /// samples. Infinite for a result of another length.
    double error = 0;
    bool is_right = false;  ///< every sample within the bound on the peak, E within its own
  };

  /// Of `wet`, the clips' results one after another.
  Verdict judge(const Stereo<Signal>& wet, const ErrorBound& bound, bool is_direct) const;

 private:
  struct Sample {
    std::size_t at;  ///< index into the wet signals of all clips
    ExactSample exact;
    double scale;  ///< ||x|| ||h|| of its clip
  };
  std::size_t length_;
  Stereo<std::vector<Sample>> samples_;
  double wet_length_;  ///< of one clip
};

}  // namespace gpuconv
