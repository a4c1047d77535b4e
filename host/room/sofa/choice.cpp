// choice.cpp - which measurement and which ears of a SOFA file
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "host/base/error.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

using sofa::Azimuths;
using sofa::Place;
using sofa::Variable;

constexpr double kSameDistance = 1.1;  // a measurement that much farther is in another shell
constexpr double kSideways = 0.17;     // 10 degrees to a side: the side that was asked for
constexpr double kWrongSideDecibels = 6;
constexpr std::int64_t kWitnessSeconds = 2;  // of a response: the direct sound has come by then
constexpr std::int64_t kWitnessesAtOnce = 8;
constexpr std::int64_t kWitnessValues = std::int64_t{1} << 20;  // at once
constexpr double kWitnessBytes = 0x1p24;                        // that are decoded for them,
constexpr std::size_t kFewestRows = 4;     // but so many rows of chunks for each side,
constexpr double kLargeRowBytes = 0x1p26;  // unless they are that large

std::string metres_of(const std::vector<Shell>& shells) {
  constexpr std::size_t kMost = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(shells.size(), kMost); ++i) {
    const bool is_last = i + 1 == shells.size();
    list += (i == 0 ? "" : is_last ? " and " : ", ") + fmt::format("{:.2f}", shells[i].distance);
  }
  return list + (shells.size() > kMost ? ", ... m" : " m");
}

void check_range(const std::string& path, const char* option, std::int64_t value,
                 std::int64_t count, const char* noun) {
  if (value >= 0 && value < count) return;
  throw UsageError(count == 1
                       ? fmt::format("{} {}: {} has 1 {}, number 0", option, value, path, noun)
                       : fmt::format("{} {}: {} has {} {}s, 0 to {}", option, value, path, count,
                                     noun, count - 1));
}

bool is_room(const std::string& conventions) {
  return conventions.starts_with("SingleRoom") || conventions.starts_with("MultiSpeaker");
}

/// `count` of `all`, spread evenly, in an order in which the first few are spread, too.
std::vector<std::int64_t> spread(const std::vector<std::int64_t>& all, std::size_t count) {
  if (all.size() <= 1) return all;
  std::vector<std::int64_t> chosen;
  const std::size_t taken = std::min(count, all.size());
  for (std::size_t part = 1; chosen.size() < taken; part *= 2) {
    // Positions (2 i + 1) / (2 part): the middles of ever finer parts.
    for (std::size_t i = 0; i < part && chosen.size() < taken; ++i) {
      const std::int64_t m = all[(2 * i + 1) * all.size() / (2 * part)];
      if (std::ranges::find(chosen, m) == chosen.end()) chosen.push_back(m);
    }
    if (part > 2 * all.size()) break;
  }
  return chosen;
}

}  // namespace

const SofaSet::View& SofaSet::view_of(std::int64_t emitter) {
  const auto known = views_.find(emitter);
  if (known != views_.end()) return known->second;
  View view;
  for (std::int64_t m = 0; m < M_; ++m) view.places.push_back(geometry_->place(m, emitter));
  std::vector<std::int64_t> order(view.places.size());
  std::iota(order.begin(), order.end(), 0);
  const auto distance = [&](std::int64_t m) {
    return view.places[static_cast<std::size_t>(m)].distance;
  };
  std::ranges::stable_sort(order, {}, distance);
  for (const std::int64_t m : order) {
    if (view.shells.empty() || distance(m) > kSameDistance * view.shells.back().distance) {
      view.shells.push_back({distance(m), {}});
    }
    view.shells.back().measurements.push_back(m);
  }
  for (Shell& shell : view.shells) std::ranges::sort(shell.measurements);
  return views_[emitter] = std::move(view);
}

Place SofaSet::place(std::int64_t m, std::int64_t e, Azimuths azimuths) {
  Place place = view_of(e).places[static_cast<std::size_t>(m)];
  double& azimuth = place.direction.azimuth;
  if (azimuths == Azimuths::clockwise) azimuth = azimuth > 180 ? 360 - azimuth : -azimuth;
  return place;
}

std::int64_t SofaSet::emitter_of(const SofaOptions& options) const {
  if (options.emitter) {
    check_range(path(), "--emitter", *options.emitter, E_, "emitter");
    return *options.emitter;
  }
  if (E_ == 1) return 0;
  throw FileError(path(),
                  fmt::format("has {} emitters (loudspeakers); choose one with --emitter N, "
                              "0 to {}",
                              E_, E_ - 1));
}

const Shell& SofaSet::choose_shell(const SofaOptions& options, std::int64_t emitter,
                                   Choice& choice) {
  const std::vector<Shell>& all = shells(emitter);
  if (options.distance) {
    const double wanted = *options.distance;
    if (!(wanted > 0)) throw UsageError(fmt::format("distance {} (limit above 0 m)", wanted));
    const auto away = [&](const Shell& shell) {
      return shell.distance > 0 ? std::abs(std::log(shell.distance / wanted))
                                : std::numeric_limits<double>::infinity();
    };
    const Shell& nearest = *std::ranges::min_element(all, {}, away);
    if (!(away(nearest) <= std::log(kSameDistance))) {
      choice.warnings.push_back(
          fmt::format("the nearest distance that was measured is {:.2f} m "
                      "(asked {:.2f} m)",
                      nearest.distance, wanted));
    }
    return nearest;
  }
  if (all.size() == 1) return all.front();
  if (is_room(conventions_)) {
    throw FileError(path(), fmt::format("has sources at several distances ({}); choose one with "
                                        "--distance METRES",
                                        metres_of(all)));
  }
  const auto count = [](const Shell& shell) { return shell.measurements.size(); };
  const std::size_t most = count(*std::ranges::max_element(all, {}, count));
  const auto farthest = std::ranges::find_if(
      all.rbegin(), all.rend(), [&](const Shell& shell) { return 2 * count(shell) >= most; });
  choice.note = fmt::format("the farthest of {}; --distance chooses", metres_of(all));
  return *farthest;
}

Direction SofaSet::asked_direction(const SofaOptions& options) {
  const Direction wanted{options.azimuth.value_or(0), options.elevation.value_or(0)};
  if (!(std::abs(wanted.azimuth) <= 360)) {
    throw UsageError(fmt::format("azimuth {} (limit -360..360 degrees)", wanted.azimuth));
  }
  if (!(std::abs(wanted.elevation) <= 90)) {
    throw UsageError(fmt::format("elevation {} (limit -90..90 degrees)", wanted.elevation));
  }
  return wanted;
}

std::vector<Surroundings> SofaSet::surroundings(const SofaOptions& options, bool at_any_distance) {
  const std::int64_t emitter = emitter_of(options);
  std::vector<Surroundings> all;
  const auto add = [&](const Shell& shell) {
    Surroundings& here = all.emplace_back(Surroundings{shell.distance, shell.measurements, {}});
    for (const std::int64_t m : shell.measurements) {
      here.directions.push_back(place(m, emitter, options.azimuths).direction);
    }
  };
  if (at_any_distance) {
    for (const Shell& shell : shells(emitter)) add(shell);
  } else {
    Choice choice;
    add(choose_shell(options, emitter, choice));
  }
  return all;
}

SofaSet::Choice SofaSet::choose(const SofaOptions& options) {
  const std::int64_t emitter = emitter_of(options);
  Choice choice;
  if (options.measurement) {
    if (options.azimuth || options.elevation || options.distance) {
      throw UsageError(
          "--measurement chooses alone: without --azimuth, --elevation and --distance");
    }
    check_range(path(), "--measurement", *options.measurement, M_, "measurement");
    choice.measurement = *options.measurement;
    choice.place = place(choice.measurement, emitter, options.azimuths);
    return choice;
  }
  const Direction wanted = asked_direction(options);
  const Shell& shell = choose_shell(options, emitter, choice);
  double least = std::numeric_limits<double>::infinity();
  for (const std::int64_t m : shell.measurements) {
    const Place here = place(m, emitter, options.azimuths);
    const double angle = angle_between(here.direction, wanted);
    if (!(angle < least)) continue;
    least = angle;
    choice.measurement = m;
    choice.place = here;
  }
  const bool is_the_only_one = M_ == 1 && !options.azimuth && !options.elevation;
  if (least > kNearDegrees && !is_the_only_one) {
    choice.far = {
        least, fmt::format("the nearest measurement is {:.0f} degrees away (asked "
                           "{:.1f}, {:.1f}; taken {:.1f}, {:.1f})",
                           least, wanted.azimuth, wanted.elevation, choice.place.direction.azimuth,
                           choice.place.direction.elevation)};
    choice.warnings.push_back(choice.far->warning);
  }
  return choice;
}

/// What is decoded to read the beginnings of both responses of one measurement, with all that is
/// stored in one row of chunks with it.
double SofaSet::bytes_of_row() const {
  const Variable& variable = *values_.front();
  const std::int64_t wanted[] = {1, 2, kWitnessSeconds * rate_};
  double bytes = static_cast<double>(variable.value_bytes);
  for (std::size_t axis = 0; axis < variable.sizes.size(); ++axis) {
    const std::int64_t size = variable.sizes[axis];
    const std::int64_t chunk =
        variable.chunk.empty() ? 1 : std::clamp<std::int64_t>(variable.chunk[axis], 1, size);
    const std::size_t which = axis == axis_of_taps_ ? 2 : axis > 1 ? 0 : axis;
    const std::int64_t taken = std::min(wanted[which], size);
    bytes *= static_cast<double>((taken + chunk - 1) / chunk * chunk);
  }
  return bytes;
}

/// Responses from the sides, spread over the file but stored in few chunks: each chunk is decoded
/// for any of its values. Both sides take turns: of an ear that is louder on the whole, one side
/// alone would say that it is the near one.
std::vector<SofaSet::Witness> SofaSet::witnesses(Azimuths azimuths, std::int64_t& lateral) {
  Stereo<std::vector<std::int64_t>> sides;  // m E + emitter
  for (std::int64_t m = 0; m < M_; ++m) {
    for (std::int64_t e = 0; e < E_; ++e) {
      const double side = sideways(place(m, e, azimuths).direction);
      if (std::abs(side) < sofa::kLateral) continue;
      sides[side > 0 ? Side::left : Side::right].push_back(m * E_ + e);
    }
  }
  lateral = std::ssize(sides.left) + std::ssize(sides.right);
  const auto& chunk = values_.front()->chunk;
  const std::int64_t in_row = chunk.empty() ? 1 : std::clamp<std::int64_t>(chunk[0], 1, M_);
  const double bytes = bytes_of_row();
  const std::size_t fewest = bytes > kLargeRowBytes ? 1 : kFewestRows;
  const std::size_t most_rows =
      std::clamp(static_cast<std::size_t>(kWitnessBytes / 2 / bytes), fewest, sofa::kMostWitnesses);
  for (const Side side : kSides) {
    std::vector<std::int64_t>& here = sides[side];
    const auto row_of = [&](std::int64_t pair) { return pair / E_ / in_row; };
    std::vector<std::int64_t> rows;
    for (const std::int64_t pair : here) {
      if (rows.empty() || rows.back() != row_of(pair)) rows.push_back(row_of(pair));
    }
    const std::vector<std::int64_t> kept = spread(rows, most_rows);
    std::erase_if(here, [&](std::int64_t pair) {
      return std::ranges::find(kept, row_of(pair)) == kept.end();
    });
    here = spread(here, sofa::kMostWitnesses);
  }
  std::vector<Witness> all;
  for (std::size_t i = 0; i < std::max(sides.left.size(), sides.right.size()); ++i) {
    for (const Side side : kSides) {
      if (i >= sides[side].size() || all.size() == sofa::kMostWitnesses) continue;
      all.push_back({sides[side][i] / E_, sides[side][i] % E_});
    }
  }
  return all;
}

/// Adds the votes of witnesses of one emitter, in the order of measurements.
void SofaSet::hear(std::span<const Witness> witnesses, Azimuths azimuths,
                   sofa::Evidence& evidence) {
  const std::int64_t emitter = witnesses.front().emitter;
  std::vector<std::int64_t> rows;
  for (const Witness& one : witnesses) rows.push_back(one.m);
  const auto [a, b] = responses(rows, {0, 1}, emitter, kWitnessSeconds * rate_);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const std::int64_t m = rows[n];
    ++evidence.asked;
    const auto heard = sofa::compare(a[n], b[n], delay(m, 0, emitter), delay(m, 1, emitter), rate_);
    const auto is_0_nearer = heard ? sofa::is_a_nearer(*heard) : std::nullopt;
    if (!is_0_nearer) continue;
    const bool is_left = sideways(place(m, emitter, azimuths).direction) > 0;
    ++(*is_0_nearer == is_left ? evidence.for_a : evidence.for_b);
  }
}

sofa::Evidence SofaSet::evidence(Azimuths azimuths) {
  const auto known = evidence_.find(azimuths);
  if (known != evidence_.end()) return known->second;
  sofa::Evidence evidence;
  std::vector<Witness> all = witnesses(azimuths, evidence.lateral);
  const std::int64_t taps = std::min(this->taps(), std::int64_t{kWitnessSeconds} * rate_);
  const auto at_once = static_cast<std::size_t>(
      std::clamp<std::int64_t>(kWitnessValues / taps, 1, kWitnessesAtOnce));
  const auto order = [](const Witness& one) { return std::pair(one.emitter, one.m); };
  for (std::size_t i = 0; i < all.size() && !evidence.is_clear(); i += at_once) {
    const std::span<Witness> some = std::span(all).subspan(i, std::min(at_once, all.size() - i));
    std::ranges::sort(some, {}, order);
    for (std::size_t first = 0; first < some.size();) {
      std::size_t end = first;
      while (end < some.size() && some[end].emitter == some[first].emitter) ++end;
      hear(some.subspan(first, end - first), azimuths, evidence);
      first = end;
    }
  }
  return evidence_[azimuths] = evidence;
}

sofa::Ears SofaSet::ears(const SofaOptions& options) {
  if (options.receivers) {
    const auto [left, right] = *options.receivers;
    for (const std::int64_t receiver : {left, right}) {
      check_range(path(), "--receivers", receiver, R_, "receiver");
    }
    if (left == right) throw UsageError("--receivers: the two ears are one receiver");
    return {left, right, "--receivers", ""};
  }
  if (R_ < 2) throw FileError(path(), fmt::format("has {} receiver where 2 ears are needed", R_));
  if (R_ > 2) {
    throw FileError(path(), fmt::format("has {} receivers where 2 ears are needed; choose them "
                                        "with --receivers LEFT,RIGHT, 0 to {}",
                                        R_, R_ - 1));
  }
  // As stored or clockwise is what azimuths are; that they are vouched for is decide()'s matter.
  const Azimuths direction =
      options.azimuths == Azimuths::clockwise ? Azimuths::clockwise : Azimuths::checked;
  return sofa::decide(path(), evidence(direction), geometry_->is_left_of(0, 1), options.azimuths);
}

std::optional<sofa::Comparison> SofaSet::levels_at(double azimuth, const SofaOptions& options) {
  SofaOptions there = options;
  there.azimuth = azimuth;
  there.elevation = 0;
  there.measurement.reset();
  const Choice choice = choose(there);
  if (angle_between(choice.place.direction, {azimuth, 0}) > kNearDegrees) return std::nullopt;
  const SofaMeasurement found = measurement(there);
  return sofa::compare(found.taps.left, found.taps.right, found.delays.left, found.delays.right,
                       rate_);
}

std::string SofaSet::side_warning(const SofaOptions& options, const Choice& choice,
                                  const SofaMeasurement& found) const {
  const bool asked = options.azimuth || options.elevation;
  const Direction direction = asked ? asked_direction(options) : choice.place.direction;
  // Of a direction that was not measured that is said already.
  if (angle_between(direction, choice.place.direction) > kNearDegrees) return "";
  const double side = sideways(direction);
  if (std::abs(side) < kSideways) return "";
  const auto heard = sofa::compare(found.taps.left, found.taps.right, found.delays.left,
                                   found.delays.right, rate_);
  if (!heard) return "";
  const double nearer =
      side > 0 ? heard->level_a - heard->level_b : heard->level_b - heard->level_a;
  if (!(nearer < -kWrongSideDecibels)) return "";
  const Side near = side > 0 ? Side::left : Side::right;
  const std::string quieter =
      std::isfinite(nearer) ? fmt::format("{:.1f} dB quieter than the other", -nearer) : "silent";
  return fmt::format(
      "the source {} on the {}, but the {} ear is {} ('gpuconv info' says on what "
      "the order of the ears rests)",
      asked ? "was asked for" : "stands", name(near), name(near), quieter);
}

std::string SofaSet::check(const SofaOptions& options) {
  const std::int64_t emitter = emitter_of(options);
  Choice choice;
  if (options.measurement) {
    check_range(path(), "--measurement", *options.measurement, M_, "measurement");
  } else {
    choose_shell(options, emitter, choice);
  }
  return warning(options);
}

std::string SofaSet::warning(const SofaOptions& options) {
  const std::string warning = ears(options).warning;
  return warning.empty() ? warning_ : warning;
}

SofaMeasurement SofaSet::measurement(const SofaOptions& options) {
  const sofa::Ears ears = this->ears(options);
  const Choice choice = choose(options);
  const std::int64_t m = choice.measurement;
  const std::int64_t emitter = emitter_of(options);
  SofaMeasurement found;
  found.rate = rate_;
  found.direction = choice.place.direction;
  found.warnings = choice.warnings;
  found.far = choice.far;
  const sofa::Receivers receivers{ears.left, ears.right};
  auto taps = responses({&m, 1}, receivers, emitter, N_);
  for (const Side side : kSides) {
    found.taps[side] = std::move(taps[side].front());
    found.delays[side] = delay(m, side == Side::left ? ears.left : ears.right, emitter);
  }
  const Direction asked{options.azimuth.value_or(0), options.elevation.value_or(0)};
  found.description = fmt::format("measurement {} of 0..{}{}, azimuth {:.1f}, elevation {:.1f}", m,
                                  M_ - 1, E_ > 1 ? fmt::format(", emitter {}", emitter) : "",
                                  choice.place.direction.azimuth, choice.place.direction.elevation);
  if (!options.measurement && (options.azimuth || options.elevation || M_ > 1)) {
    found.description += fmt::format(" (asked {:.1f}, {:.1f})", asked.azimuth, asked.elevation);
  }
  if (options.distance || !choice.note.empty()) {
    found.description += fmt::format(", distance {:.2f} m", choice.place.distance);
  }
  if (!choice.note.empty()) found.description += " (" + choice.note + ")";
  if (is_transfer_) {
    found.description += fmt::format(", transformed to {} taps at {} Hz", grid_.taps(), rate_);
    if (grid_.lacks_zero) {
      found.warnings.push_back(
          fmt::format("the file has no bin at 0 Hz: the one at {} Hz, without "
                      "its phase, is taken for it",
                      grid_.step));
    }
  }
  if (std::string warning = side_warning(options, choice, found); !warning.empty()) {
    found.warnings.push_back(std::move(warning));
  }
  for (const std::string& warning : {ears.warning, warning_}) {
    if (!warning.empty()) found.warnings.push_back(warning);
  }
  return found;
}

}  // namespace gpuconv
