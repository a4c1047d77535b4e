// direction.hpp - where a source stands, as the listener has it
//
// Azimuth is counter-clockwise from the front (90 = left), elevation upwards, both in degrees.
// Vectors are x ahead, y to the left, z up (AES69).
#pragma once

#include <string>

namespace gpuconv {

struct Direction {
  double azimuth = 0;
  double elevation = 0;
};

/// A measurement that is not near the direction that was asked for.
struct FarMeasurement {
  double degrees = 0;  ///< between the two
  std::string warning;
};

struct Vector {
  double x = 0, y = 0, z = 0;
};

inline Vector operator+(const Vector& a, const Vector& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vector operator-(const Vector& a, const Vector& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vector operator*(double factor, const Vector& a) {
  return {factor * a.x, factor * a.y, factor * a.z};
}
inline double dot(const Vector& a, const Vector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vector cross(const Vector& a, const Vector& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
double length_of(const Vector& a);

/// Of length 1.
Vector unit_vector(Direction direction);

/// NaN in the origin.
Direction direction_of(const Vector& place);

/// Angle between two directions along the great circle, in degrees.
double angle_between(Direction a, Direction b);

/// How far a direction is to the left (1) or right (-1): sin(azimuth) cos(elevation).
double sideways(Direction direction);

/// The axes of a head or a loudspeaker: ahead, left and up, each of length 1.
struct Frame {
  Vector ahead{1, 0, 0};
  Vector left{0, 1, 0};
  Vector up{0, 0, 1};

  Vector from_room(const Vector& v) const { return {dot(v, ahead), dot(v, left), dot(v, up)}; }
  Vector to_room(const Vector& v) const { return v.x * ahead + v.y * left + v.z * up; }
};

/// The frame that looks along `view`, with `up` as near to its top as that allows. Its vectors are
/// NaN where the two are parallel or have no length.
Frame frame_of(const Vector& view, const Vector& up);

}  // namespace gpuconv
