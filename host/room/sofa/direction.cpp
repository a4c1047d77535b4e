#include "host/room/sofa/direction.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gpuconv {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

// Nearer than that to each other, view and up are one direction: 0.06 degrees.
constexpr double kParallel = 1e-3;

Vector normalised(const Vector& a) { return (1 / length_of(a)) * a; }

}  // namespace

// Not hypot(): glibc 2.35 has a new one, and the program is to run on 2.34.
double length_of(const Vector& a) { return std::sqrt(dot(a, a)); }

Vector unit_vector(Direction direction) {
  const double azimuth = direction.azimuth / kDegrees;
  const double elevation = direction.elevation / kDegrees;
  return {std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth),
          std::sin(elevation)};
}

Direction direction_of(const Vector& place) {
  if (length_of(place) == 0) return {NAN, NAN};
  return {std::atan2(place.y, place.x) * kDegrees,
          std::atan2(place.z, length_of({place.x, place.y, 0})) * kDegrees};
}

double angle_between(Direction a, Direction b) {
  // 2 asin(chord / 2) keeps its digits for near directions, where acos of a dot product loses half.
  const double half = std::min(1.0, length_of(unit_vector(a) - unit_vector(b)) / 2);
  return 2 * std::asin(half) * kDegrees;
}

double sideways(Direction direction) { return unit_vector(direction).y; }

Frame frame_of(const Vector& view, const Vector& up) {
  const Vector ahead = normalised(view);
  const Vector left = cross(normalised(up), ahead);
  if (!(length_of(left) > kParallel)) return {{NAN, NAN, NAN}, {NAN, NAN, NAN}, {NAN, NAN, NAN}};
  const Vector across = normalised(left);
  return {ahead, across, cross(ahead, across)};
}

}  // namespace gpuconv
