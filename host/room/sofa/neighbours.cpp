#include "host/room/sofa/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gpuconv {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

/// A weight below that is rounding.
constexpr double kNoWeight = 1e-7;

/// Of the corners' distances from the origin. Four measurements of a regular grid lie on one circle
/// and could be cut into triangles in two ways; moved so far apart, in one.
constexpr double kSpread = 1e-6;

/// Moves a direction off the edges between triangles: on an edge, two triangles would take turns.
constexpr Vector kOffEdge{0.41e-9, 0.73e-9, 0.54e-9};

double angle(const Vector& a, const Vector& b) {
  return 2 * std::asin(std::min(1.0, length_of(a - b) / 2)) / kRadians;
}

Vector unit(const Vector& v) { return (1 / length_of(v)) * v; }

/// l with v = l[0] a + l[1] b + l[2] c.
std::array<double, 3> coordinates(const Vector& v, const Vector& a, const Vector& b,
                                  const Vector& c) {
  const double volume = dot(a, cross(b, c));
  return {dot(v, cross(b, c)) / volume, dot(a, cross(v, c)) / volume, dot(a, cross(b, v)) / volume};
}

/// Without what has no weight.
Neighbours tidied(const Neighbours& all) {
  double sum = 0;
  for (int i = 0; i < all.count; ++i) {
    const double weight = all.weights[static_cast<std::size_t>(i)];
    if (weight > kNoWeight) sum += weight;
  }
  Neighbours kept;
  kept.away = all.away;
  for (int i = 0; i < all.count; ++i) {
    const auto from = static_cast<std::size_t>(i);
    if (!(all.weights[from] > kNoWeight)) continue;
    const auto to = static_cast<std::size_t>(kept.count++);
    kept.which[to] = all.which[from];
    kept.weights[to] = all.weights[from] / sum;
  }
  return kept;
}

}  // namespace

MeasuredDirections::MeasuredDirections(std::span<const Direction> directions) {
  for (std::size_t i = 0; i < directions.size(); ++i) {
    points_.push_back(unit_vector(directions[i]));
    // The golden ratio spreads neighbours most.
    const double fraction = std::fmod(static_cast<double>(i) * std::numbers::phi, 1.0);
    corners_.push_back((1 + kSpread * fraction) * points_.back());
  }
}

Neighbours MeasuredDirections::nearest(Direction direction) const {
  const Vector q = unit_vector(direction);
  const auto away = [&](const Vector& p) { return dot(p - q, p - q); };
  const auto found = std::ranges::min_element(points_, {}, away);
  Neighbours result{.count = 1, .which = {}, .weights = {1}, .away = angle(*found, q)};
  result.which[0] = static_cast<std::size_t>(found - points_.begin());
  return result;
}

Neighbours MeasuredDirections::around(Direction direction) {
  const Neighbours one = nearest(direction);
  if (one.away <= kSameDegrees) return one;
  const Vector q = unit_vector(direction);
  const Neighbours three = in_triangle(q);
  return three.count > 0 ? tidied(three) : tidied(on_arc(q, one.which[0]));
}

/// The ray's face, by the simplex method: the triangle {p_i} minimises sum l, which is one over the
/// distance at which the ray leaves it. From a small octahedron, a corner at a time, always the one
/// that is farthest outside of the plane of the last three.
Neighbours MeasuredDirections::in_triangle(const Vector& q) {
  constexpr double kSmall = 1e-3;
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  const Vector off = q + kOffEdge;
  // What moves is mostly still in the triangle in which it was.
  if (triangle_) {
    const auto& [a, b, c] = *triangle_;
    const auto inside = coordinates(off, corners_[a], corners_[b], corners_[c]);
    if (std::ranges::all_of(inside, [](double l) { return l > 0; })) return weighted(q, *triangle_);
  }
  std::array<Vector, 3> corners{Vector{std::copysign(kSmall, off.x), 0, 0},
                                Vector{0, std::copysign(kSmall, off.y), 0},
                                Vector{0, 0, std::copysign(kSmall, off.z)}};
  std::array<std::size_t, 3> which{kNone, kNone, kNone};
  for (std::size_t round = 0; round <= points_.size(); ++round) {
    const auto& [a, b, c] = corners;
    const double volume = dot(a, cross(b, c));
    const Vector normal = (1 / volume) * (cross(a, b) + cross(b, c) + cross(c, a));
    double most = 1 + 1e-12;
    std::size_t entering = kNone;
    for (std::size_t i = 0; i < corners_.size(); ++i) {
      const double outside = dot(normal, corners_[i]);
      if (!(outside > most)) continue;
      most = outside;
      entering = i;
    }
    if (entering == kNone) {
      const double cap = std::acos(std::min(1.0, 1 / length_of(normal))) / kRadians;
      if (std::ranges::find(which, kNone) != which.end() || cap > kHoleDegrees) break;
      // In order, so that the weights do not depend on the way here.
      std::ranges::sort(which);
      triangle_ = which;
      return weighted(q, which);
    }
    const auto inside = coordinates(off, a, b, c);
    const auto step = coordinates(corners_[entering], a, b, c);
    std::size_t leaving = kNone;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < 3; ++i) {
      if (!(step[i] > 0) || !(inside[i] / step[i] < least)) continue;
      least = inside[i] / step[i];
      leaving = i;
    }
    if (leaving == kNone) break;
    corners[leaving] = corners_[entering];
    which[leaving] = entering;
  }
  return {};
}

Neighbours MeasuredDirections::weighted(const Vector& q,
                                        const std::array<std::size_t, 3>& which) const {
  const auto& [a, b, c] = which;
  return {3, which, coordinates(q, points_[a], points_[b], points_[c]), 0};
}

/// The point nearest to q of the arcs from measurement a to its neighbours.
Neighbours MeasuredDirections::on_arc(const Vector& q, std::size_t a) const {
  Neighbours best{.count = 1, .which = {a}, .weights = {1}, .away = angle(points_[a], q)};
  for (std::size_t b = 0; b < points_.size(); ++b) {
    const Vector &from = points_[a], &to = points_[b];
    const double cosine = dot(from, to);
    const double square = 1 - cosine * cosine;
    if (b == a || cosine < std::cos(2 * kHoleDegrees * kRadians) || !(square > 0)) continue;
    // The projection of q into the plane of both.
    const double at_from = (dot(q, from) - cosine * dot(q, to)) / square;
    const double at_to = (dot(q, to) - cosine * dot(q, from)) / square;
    if (!(at_from > 0) || !(at_to > 0)) continue;
    const double away = angle(unit(at_from * from + at_to * to), q);
    if (!(away < best.away) || !are_neighbours(a, b)) continue;
    best = {2, {a, b}, {at_from, at_to}, away};
  }
  return best;
}

/// Whether the circle around both, with its middle between them, holds no other measurement.
bool MeasuredDirections::are_neighbours(std::size_t a, std::size_t b) const {
  const Vector middle = unit(points_[a] + points_[b]);
  const double within = dot(middle, points_[a]) + 1e-9;
  return std::ranges::none_of(points_, [&](const Vector& p) { return dot(middle, p) > within; });
}

}  // namespace gpuconv
