// response_field.hpp - the response from any direction, also between those of a SOFA file
//
//   h_e(t) = sum_i w_i h_{i,e}(t + T_{i,e} - T_e),   T_e = sum_i w_i T_{i,e}
//
//   h_i  up to three measurements around the direction, w_i their weights: see neighbours.hpp
//   T_i  when the sound arrives at ear e, Data.Delay included: see arrival() in onset.hpp
//
// Responses of neighbouring directions differ in delay first of all. A sum of them as they are
// sounds twice, as a comb; so each ear's are brought in line, summed, and delayed by what lies
// between their delays. Both shifts are band-limited: see delay.hpp. A direction that was measured
// gives its measurement, tap for tap.
//
// A room's response is brought in line by its direct sound; its reflections follow as they are.
// The late ones of neighbours have little in common: half-way between two measurements their sum
// has 3 dB less, between three 5 dB.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/room/motion.hpp"
#include "host/room/response.hpp"
#include "host/room/sofa/neighbours.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {

/// Measurements and their weights, which add up to 1; in the order of their numbers.
struct Blend {
  int count = 0;
  std::array<std::int64_t, 3> measurements{};
  std::array<double, 3> weights{};

  auto operator<=>(const Blend&) const = default;
};

/// Where the taps of a response lie: frames from time zero on.
struct Extent {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// One thread at a time uses it.
class ResponseField {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{256} << 20;  ///< of measurements kept

  /// Of `set`, which outlives it, at `rate` Hz. With `at_any_distance`, the nearest of the
  /// distances that were measured counts, otherwise that of `options`. Throws FileError and
  /// UsageError as SofaSet does.
  ResponseField(SofaSet& set, const ResponseOptions& options, int rate,
                bool at_any_distance = false);

  /// By options.sofa.interpolation.
  Blend blend(const Seen& seen);

  /// Reads the measurements of `blend`, if they are not kept. Throws FileError.
  Extent extent(const Blend& blend);

  /// The response, over `extent`, which holds its own.
  Stereo<Signal> taps(const Blend& blend, const Extent& extent);

  /// When the earlier ear hears the direct sound, in frames from time zero: see onset.hpp.
  double direct_sound(const Blend& blend);

  /// The largest angle so far from a direction to what was measured, in degrees.
  double away() const { return away_; }
  std::string away_warning() const;  ///< of that, if it is more than 10 degrees; or ""
  std::int64_t replaced() const;     ///< samples that were not finite, so far
  const std::string& warning() const { return warning_; }  ///< of the whole file; or empty

 private:
  struct Measured {
    Response response;       ///< at the wanted rate
    Stereo<double> arrival;  ///< frames from time zero, which are not whole
    Stereo<Signal> aligned;  ///< `response`, later by what makes `arrival` whole
    Stereo<Extent> extent;   ///< of `aligned`, from its arrival on
    double direct_sound = 0;
  };
  using Kept = std::shared_ptr<const Measured>;

  struct Around {
    double distance;
    std::vector<std::int64_t> measurements;
    MeasuredDirections directions;
  };

  Kept measured(std::int64_t measurement);
  double arrival_of(const Blend& blend, Side side);
  Extent extent_of(const Blend& blend, Side side);

  SofaSet& set_;
  ResponseOptions options_;
  int rate_;
  std::vector<Around> around_;  ///< by distance
  std::map<std::int64_t, Kept> kept_;
  std::int64_t bytes_ = 0;  ///< of what is kept
  double away_ = 0;
  std::map<std::int64_t, std::int64_t> replaced_;  ///< by measurement
  std::string warning_;
};

/// The response from the direction of `options`, at the rate of the set.
Response interpolated_response(SofaSet& set, const ResponseOptions& options);

}  // namespace gpuconv
