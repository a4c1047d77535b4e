#include "host/audio/sofa.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "host/audio/audio_file.hpp"
#include "host/audio/delay.hpp"
#include "host/audio/nonfinite.hpp"
#include "host/error.hpp"

namespace gpuconv {
namespace {

constexpr double kMaxDelaySeconds = 10;
constexpr double kNearDegrees = 10;  // what is farther away than that sounds like elsewhere

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

struct Vector {
  double x, y, z;
};

Vector unit_vector(Direction d) {
  const double azimuth = radians(d.azimuth);
  const double elevation = radians(d.elevation);
  return {std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth),
          std::sin(elevation)};
}

/// 2 asin(chord / 2) keeps its digits for near directions, where acos of a dot product loses half.
double chord(const Vector& a, const Vector& b) {
  return std::hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

Direction checked_direction(const ResponseOptions& options) {
  const Direction wanted{options.azimuth.value_or(0), options.elevation.value_or(0)};
  if (!(std::abs(wanted.azimuth) <= 360)) {
    throw UsageError(fmt::format("azimuth {} (limit -360..360 degrees)", wanted.azimuth));
  }
  if (!(std::abs(wanted.elevation) <= 90)) {
    throw UsageError(fmt::format("elevation {} (limit -90..90 degrees)", wanted.elevation));
  }
  return wanted;
}

Stereo<double> checked_delays(const std::string& path, const SofaFile& file, std::size_t m) {
  if (file.delays.empty()) return {};
  const std::size_t row = file.delays.size() > 2 ? 2 * m : 0;
  const Stereo<std::size_t> ears = ears_of(file);
  const Stereo<double> delays{file.delays[row + ears.left], file.delays[row + ears.right]};
  for (const Side side : kSides) {
    if (!(delays[side] >= 0 && delays[side] <= kMaxDelaySeconds * file.rate)) {
      throw FileError(path, fmt::format("Data.Delay of the {} ear is {} samples (limit 0..{})",
                                        name(side), delays[side], kMaxDelaySeconds * file.rate));
    }
  }
  return delays;
}

/// Whether nobody has filled in where they are.
bool are_ears_unplaced(const SofaFile& file) {
  return std::ranges::all_of(file.sideways, [](double y) { return y == 0; });
}

/// The ears must lie to both sides of each other, in each measurement to the same; or nowhere: then
/// they are in the order that everybody keeps, left and right.
void check_ears(const std::string& path, const SofaFile& file) {
  const auto M = static_cast<std::size_t>(file.M);
  if (file.sideways.size() != 2 && file.sideways.size() != 2 * M) {
    throw FileError(path, fmt::format("has {} receiver positions where 2 or {} are needed",
                                      file.sideways.size(), 2 * M));
  }
  if (are_ears_unplaced(file)) return;
  const bool is_first_left = ears_of(file).left == 0;
  for (std::size_t i = 0; i < file.sideways.size(); i += 2) {
    const double first = file.sideways[i];
    const double second = file.sideways[i + 1];
    if (!(is_first_left ? first > second : second > first)) {
      throw FileError(path, fmt::format("ReceiverPosition does not tell left from right: y is {} "
                                        "and {} in measurement {}",
                                        first, second, i / 2));
    }
  }
}

void check_views(const std::string& path, const SofaFile& file) {
  constexpr double kDegrees = 0.1;  // of rounding
  for (std::size_t m = 0; m < file.views.size(); ++m) {
    if (angle_between(file.views[m], {}) <= kDegrees) continue;
    throw FileError(path, fmt::format("ListenerView of measurement {} points to azimuth {:.1f}, "
                                      "elevation {:.1f}; only sources that move around a head "
                                      "that looks ahead (0, 0) are read",
                                      m, file.views[m].azimuth, file.views[m].elevation));
  }
  for (std::size_t m = 0; m < file.ups.size(); ++m) {
    if (angle_between(file.ups[m], {0, 90}) <= kDegrees) continue;
    throw FileError(path, fmt::format("ListenerUp of measurement {} points to azimuth {:.1f}, "
                                      "elevation {:.1f}; only heads held upright are read",
                                      m, file.ups[m].azimuth, file.ups[m].elevation));
  }
}

}  // namespace

void check_sofa(const std::string& path, const SofaFile& file) {
  if (file.R != 2) {
    throw FileError(path, fmt::format("has {} receivers where 2 ears are needed", file.R));
  }
  if (file.M < 1 || file.N < 1 || file.N > kMaxTaps) {
    throw FileError(path, fmt::format("has {} measurements of {} taps (limit 1 and more, 1..{})",
                                      file.M, file.N, kMaxTaps));
  }
  const auto M = static_cast<std::size_t>(file.M);
  const auto N = static_cast<std::size_t>(file.N);
  if (file.directions.size() != M) {
    throw FileError(path, fmt::format("has {} source positions for {} measurements; only sources "
                                      "that move around a resting head are read",
                                      file.directions.size(), M));
  }
  if (file.taps.size() != 2 * M * N) {
    throw FileError(path, fmt::format("Data.IR has {} values where {} x 2 x {} = {} are needed",
                                      file.taps.size(), M, N, 2 * M * N));
  }
  if (!file.delays.empty() && file.delays.size() != 2 && file.delays.size() != 2 * M) {
    throw FileError(path, fmt::format("Data.Delay has {} values where 2 or {} are needed",
                                      file.delays.size(), 2 * M));
  }
  if (!(file.rate >= kMinRate && file.rate <= kMaxRate) || std::round(file.rate) != file.rate) {
    throw FileError(path, fmt::format("sample rate out of range ({} Hz, limit whole {}..{} Hz)",
                                      file.rate, kMinRate, kMaxRate));
  }
  check_ears(path, file);
  check_views(path, file);
}

Stereo<std::size_t> ears_of(const SofaFile& file) {
  const bool is_first_left = file.sideways[0] > file.sideways[1] || are_ears_unplaced(file);
  return is_first_left ? Stereo<std::size_t>{0, 1} : Stereo<std::size_t>{1, 0};
}

Direction direction_of(double x, double y, double z) {
  if (std::hypot(x, y, z) == 0) return {NAN, NAN};
  const double degrees = 180 / std::numbers::pi;
  return {std::atan2(y, x) * degrees, std::atan2(z, std::hypot(x, y)) * degrees};
}

double angle_between(Direction a, Direction b) {
  const double half = std::min(1.0, chord(unit_vector(a), unit_vector(b)) / 2);
  return 2 * std::asin(half) * 180 / std::numbers::pi;
}

int find_nearest(const SofaFile& file, Direction wanted) {
  const auto nearest = std::ranges::min_element(
      file.directions, {}, [&](Direction direction) { return angle_between(direction, wanted); });
  return static_cast<int>(nearest - file.directions.begin());
}

Response response_at(const std::string& path, const SofaFile& file,
                     const ResponseOptions& options) {
  check_sofa(path, file);
  const Direction wanted = checked_direction(options);
  const auto m = static_cast<std::size_t>(find_nearest(file, wanted));
  const Stereo<double> delays = checked_delays(path, file, m);

  Response response;
  response.rate = static_cast<int>(file.rate);
  response.lead = is_whole(delays.left) && is_whole(delays.right) ? 0 : kDelayReach;
  std::int64_t replaced = 0;
  const auto N = static_cast<std::size_t>(file.N);
  const Stereo<std::size_t> ears = ears_of(file);
  for (const Side side : kSides) {
    const auto first = (2 * m + ears[side]) * N;
    Signal taps(file.taps.begin() + static_cast<std::ptrdiff_t>(first),
                file.taps.begin() + static_cast<std::ptrdiff_t>(first + N));
    replaced += mend_nonfinite(path, taps, 1, 0, options.nonfinite);
    response.taps[side] = delayed(taps, delays[side], response.lead);
  }
  const std::size_t K = std::max(response.taps.left.size(), response.taps.right.size());
  for (const Side side : kSides) response.taps[side].resize(K);

  const Direction found = file.directions[m];
  response.description =
      fmt::format("measurement {} of {}, azimuth {:.1f}, elevation {:.1f} (asked {:.1f}, {:.1f})",
                  m, file.M, found.azimuth, found.elevation, wanted.azimuth, wanted.elevation);
  response.mended.replaced = replaced;
  if (const double away = angle_between(found, wanted); away > kNearDegrees) {
    response.direction_warning = fmt::format(
        "the nearest measurement is {:.0f} degrees away (asked {:.1f}, {:.1f}; taken {:.1f}, "
        "{:.1f})",
        away, wanted.azimuth, wanted.elevation, found.azimuth, found.elevation);
  }
  return response;
}

}  // namespace gpuconv
