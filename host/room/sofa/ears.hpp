// ears.hpp - which receiver is which ear: the samples decide
//
// A head shadows the far ear: from a source at its side the near ear hears more, and first. So each
// measurement from the side is a witness of which receiver is on that side. Known sets of HRTFs
// name the wrong receiver in ReceiverPosition, others count azimuths clockwise; played by their
// words alone they come out with the ears exchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/base/error.hpp"
#include "host/room/sofa/options.hpp"

namespace gpuconv::sofa {

/// The samples contradict the azimuths: somebody has to say what the file means.
struct UndecidedEars : FileError {
  using FileError::FileError;
};

/// Two receivers in the 2.5 ms after the direct sound has reached the first of them.
struct Comparison {
  double level_a = 0;  ///< energy, dB; -inf for silence
  double level_b = 0;
  double onset_a = 0;  ///< seconds, with the delays
  double onset_b = 0;
};

/// `a` and `b` are the responses of two receivers at `rate` Hz, later by their delays (samples).
/// Nothing where both are silent or hold numbers that are not finite.
std::optional<Comparison> compare(std::span<const float> a, std::span<const float> b,
                                  double delay_a, double delay_b, double rate);

/// Whether receiver a is nearer to the source than b: nothing if their levels differ by less than 3
/// dB or their onsets contradict by more than 100 us.
std::optional<bool> is_a_nearer(const Comparison& comparison);

/// A measurement whose source stands more to one side than ahead: |sin(azimuth) cos(elevation)| is
/// at least this.
inline constexpr double kLateral = 0.5 - 1e-6;  // 30 degrees, rounded, are in
inline constexpr std::size_t kMostWitnesses = 32;

/// What the measurements from the sides say of receivers a and b.
struct Evidence {
  std::int64_t lateral = 0;  ///< measurements from the sides in the file
  int asked = 0;             ///< of which so many were compared
  int for_a = 0;             ///< votes that a is on the side of positive azimuths, the left
  int for_b = 0;

  int votes() const { return for_a + for_b; }
  /// Whether a is on the left, as azimuths count; nothing without four votes (or those of all
  /// lateral measurements, at least two) of which nine in ten agree.
  std::optional<bool> is_a_left() const;
  /// No more votes are needed.
  bool is_clear() const;
};

struct Ears {
  std::int64_t left = 0;  ///< which receiver it is
  std::int64_t right = 1;
  std::string basis;    ///< on what that rests
  std::string warning;  ///< or empty
};

/// Decides from the evidence about receivers 0 and 1, and from whether ReceiverPosition has
/// receiver 0 on the left. Throws UndecidedEars where the samples contradict azimuths that nobody
/// has vouched for.
Ears decide(const std::string& path, const Evidence& evidence, std::optional<bool> is_0_left,
            Azimuths azimuths);

}  // namespace gpuconv::sofa
