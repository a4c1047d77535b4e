#include "host/room/sofa/ears.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv::sofa {
namespace {

constexpr double kWindowSeconds = 2.5e-3;
constexpr double kOnset = 0.1;     // of the peak of both ears: the direct sound is there
constexpr double kEarOnset = 0.3;  // of an ear's own peak in the window
constexpr double kVoteDecibels = 3;
constexpr double kContradictionSeconds = 100e-6;
constexpr int kVotes = 4;
constexpr int kFewestVotes = 2;
constexpr int kClearVotes = 8;
constexpr double kAgreement = 0.9;

/// A response on the common clock of both ears.
struct Heard {
  std::span<const float> taps;
  std::int64_t delay;  ///< whole samples

  double at(std::int64_t n) const {
    const std::int64_t k = n - delay;
    return k < 0 || k >= std::ssize(taps) ? 0 : std::abs(double{taps[static_cast<std::size_t>(k)]});
  }
  double peak(std::int64_t from, std::int64_t to) const {
    double peak = 0;
    for (std::int64_t n = from; n < to; ++n) peak = std::max(peak, at(n));
    return peak;
  }
  /// First sample in [from, to) that is at least `level`; `to` if there is none.
  std::int64_t reaches(double level, std::int64_t from, std::int64_t to) const {
    std::int64_t n = from;
    while (n < to && at(n) < level) ++n;
    return n;
  }
  double decibels(std::int64_t from, std::int64_t to) const {
    double energy = 0;
    for (std::int64_t n = from; n < to; ++n) energy += at(n) * at(n);
    return energy > 0 ? 10 * std::log10(energy) : -std::numeric_limits<double>::infinity();
  }
};

bool is_finite(std::span<const float> taps) {
  return std::ranges::all_of(taps, [](float tap) { return std::isfinite(tap); });
}

std::string votes_of(const Evidence& evidence) {
  return fmt::format("{} of {} measurements from the sides",
                     std::max(evidence.for_a, evidence.for_b), evidence.votes());
}

}  // namespace

std::optional<Comparison> compare(std::span<const float> a, std::span<const float> b,
                                  double delay_a, double delay_b, double rate) {
  if (!is_finite(a) || !is_finite(b)) return std::nullopt;
  const Heard first{a, std::llround(delay_a)};
  const Heard second{b, std::llround(delay_b)};
  const std::int64_t end = std::max(first.delay + std::ssize(a), second.delay + std::ssize(b));
  const double peak = std::max(first.peak(0, end), second.peak(0, end));
  if (!(peak > 0)) return std::nullopt;
  const std::int64_t onset =
      std::min(first.reaches(kOnset * peak, 0, end), second.reaches(kOnset * peak, 0, end));
  const std::int64_t window = std::max<std::int64_t>(1, std::llround(kWindowSeconds * rate));
  const std::int64_t to = std::min(end, onset + window);
  const auto onset_of = [&](const Heard& ear) {
    const double own = ear.peak(onset, to);
    const std::int64_t n = own > 0 ? ear.reaches(kEarOnset * own, onset, to) : to;
    return static_cast<double>(n) / rate;
  };
  return Comparison{first.decibels(onset, to), second.decibels(onset, to), onset_of(first),
                    onset_of(second)};
}

std::optional<bool> is_a_nearer(const Comparison& comparison) {
  const double louder = comparison.level_a - comparison.level_b;
  const double later = comparison.onset_a - comparison.onset_b;
  if (!(std::abs(louder) >= kVoteDecibels)) return std::nullopt;
  const bool is_a_louder = louder > 0;
  const bool contradicts =
      is_a_louder ? later > kContradictionSeconds : later < -kContradictionSeconds;
  if (contradicts) return std::nullopt;
  return is_a_louder;
}

std::optional<bool> Evidence::is_a_left() const {
  const bool are_all = lateral < kVotes && votes() == lateral && votes() >= kFewestVotes;
  if (votes() < kVotes && !are_all) return std::nullopt;
  if (std::max(for_a, for_b) < kAgreement * votes()) return std::nullopt;
  return for_a > for_b;
}

bool Evidence::is_clear() const { return votes() >= kClearVotes && (for_a == 0 || for_b == 0); }

Ears decide(const std::string& path, const Evidence& evidence, std::optional<bool> is_0_left,
            Azimuths azimuths) {
  const std::optional<bool> samples = evidence.is_a_left();
  const std::string votes = votes_of(evidence);
  const Ears in_order{0, 1, "", ""};
  const Ears exchanged{1, 0, "", ""};
  const auto with = [](Ears ears, std::string basis, std::string warning = "") {
    ears.basis = std::move(basis);
    ears.warning = std::move(warning);
    return ears;
  };
  if (!samples) {
    const std::string lack = evidence.lateral == 0 ? "no measurement from the sides"
                                                   : "too little evidence in the samples";
    if (is_0_left == false) {
      return with(
          exchanged, "ReceiverPosition (" + lack + "): receiver 1 is left",
          "ReceiverPosition has receiver 0 on the right, which the samples neither show nor "
          "contradict; it is followed (--receivers 0,1 takes receiver 0 as the left ear)");
    }
    return with(in_order,
                (is_0_left ? "ReceiverPosition (" : "the order of receivers (") + lack + ")");
  }
  if (*samples) {
    if (is_0_left == false) {
      return with(in_order, "the samples (" + votes + "), against ReceiverPosition",
                  "ReceiverPosition has receiver 0 on the right, but its samples are those of the "
                  "left ear (" +
                      votes + "): the samples are followed");
    }
    return with(in_order,
                "the samples (" + votes + ")" + (is_0_left ? " and ReceiverPosition" : ""));
  }
  if (is_0_left == false) {
    return with(exchanged, "the samples (" + votes + ") and ReceiverPosition: receiver 1 is left");
  }
  if (azimuths == Azimuths::as_stored) {
    return with(in_order, "azimuths and receivers as stored, against the samples (" + votes + ")");
  }
  if (azimuths == Azimuths::clockwise) {
    throw UndecidedEars(path,
                        fmt::format("with azimuths clockwise, receiver 0 is louder for sources "
                                    "on the right ({}); use --azimuths as-stored, or "
                                    "--receivers 1,0",
                                    votes));
  }
  throw UndecidedEars(
      path,
      fmt::format("receiver 0, the left ear, is louder for sources that azimuths place on the "
                  "right ({}); choose --azimuths clockwise if the file counts them clockwise, "
                  "--receivers 1,0 if its ears are exchanged, or --azimuths as-stored",
                  votes));
}

}  // namespace gpuconv::sofa
