// neighbours.hpp - the measurements around a direction
//
//   q = sum_i l_i p_i,   l_i >= 0,   w_i = l_i / sum l
//
//   q    unit vector of the direction
//   p_i  unit vectors of up to three measurements
//
// The three are the corners of the triangle of the spherical Delaunay triangulation in which q
// lies: the face of the convex hull of all p that the ray along q leaves through. In a hole of the
// measurements, or outside of them, q goes to the nearest arc between two measurements that are
// neighbours; where these are too far apart, to the nearest measurement.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "host/room/sofa/direction.hpp"

namespace gpuconv {

/// Up to three of the directions, and their weights, which are above 0 and add up to 1.
struct Neighbours {
  int count = 0;
  std::array<std::size_t, 3> which{};
  std::array<double, 3> weights{};
  double away = 0;  ///< degrees from the direction to where these measurements reach
};

class MeasuredDirections {
 public:
  /// Three measurements surround a direction only if no circle around them is wider than that: 60
  /// degrees across. A wider one is a hole in the measurements, such as the one below a head.
  static constexpr double kHoleDegrees = 30;
  /// A direction as near as that to a measurement is that of the measurement.
  static constexpr double kSameDegrees = 1e-3;

  /// At least one.
  explicit MeasuredDirections(std::span<const Direction> directions);

  Neighbours nearest(Direction direction) const;
  /// Fastest for directions that are near to the one before.
  Neighbours around(Direction direction);

 private:
  Neighbours in_triangle(const Vector& q);
  Neighbours weighted(const Vector& q, const std::array<std::size_t, 3>& which) const;
  Neighbours on_arc(const Vector& q, std::size_t a) const;
  bool are_neighbours(std::size_t a, std::size_t b) const;

  std::vector<Vector> points_;                          ///< of length 1
  std::vector<Vector> corners_;                         ///< the same, each a little off the sphere
  std::optional<std::array<std::size_t, 3>> triangle_;  ///< the last one, in ascending order
};

}  // namespace gpuconv
