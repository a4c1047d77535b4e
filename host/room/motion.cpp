#include "host/room/motion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kRest = 0.1;  ///< seconds; a shorter one is part of the movement

/// Slower than that is rest: a turn in eleven days.
constexpr double kStill = 4e-4;  ///< degrees per second

/// How far the source has gone until a point of the path, in degrees.
struct Mark {
  double seconds;
  double way;
};

/// The times at which speeds may change.
std::vector<double> corners_of(const Motion& motion) {
  std::vector<double> corners;
  for (const auto* const track : {&motion.source, &motion.head}) {
    if (!*track) continue;
    for (const Track::Row& row : (*track)->rows) corners.push_back(row.seconds);
  }
  std::ranges::sort(corners);
  corners.erase(std::unique(corners.begin(), corners.end()), corners.end());
  return corners;
}

/// As way(), of distances alone.
double way_nearer(double from, double to) {
  return from > 0 && to > 0 ? 2 * std::abs(std::log(to / from)) / std::log(1.1) : 0;
}

/// Between two points of a path; a tenth of the distance counts as 2 degrees.
double way(const Seen& a, const Seen& b) {
  return angle_between(a.direction, b.direction) + way_nearer(a.distance, b.distance);
}

/// The way from `begin` to `end` is not longer than that.
double longest_way(const Motion& motion, double begin, double end) {
  double sum = 0;
  if (motion.source) {
    const auto from = motion.source->at(begin);
    const auto to = motion.source->at(end);
    sum += std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]) + way_nearer(from[2], to[2]);
  }
  if (motion.head) {
    const auto from = motion.head->at(begin);
    const auto to = motion.head->at(end);
    for (std::size_t i = 0; i < from.size(); ++i) sum += std::abs(to[i] - from[i]);
  }
  return sum;
}

std::vector<Mark> marks_of(const Motion& motion, double end, const StepLimits& limits) {
  std::vector<Mark> marks;
  const std::vector<double> corners = corners_of(motion);
  if (corners.empty()) return marks;
  Seen last = motion.at(corners.front());
  double gone = 0;
  marks.push_back({corners.front(), 0});
  for (std::size_t i = 1; i < corners.size() && marks.back().seconds < end; ++i) {
    const double begin = corners[i - 1];
    const double length = corners[i] - begin;
    // As many as show how the path bends, unless steps are not as near as that.
    const double bends = longest_way(motion, begin, corners[i]) / (limits.degrees / 4);
    const double most = length / (limits.seconds / 8);
    const double parts = std::max(1.0, std::ceil(std::min(bends, most)));
    for (double part = 1; part <= parts && marks.back().seconds < end; ++part) {
      const double seconds = part == parts ? corners[i] : begin + length * part / parts;
      const Seen here = motion.at(seconds);
      const double more = way(last, here);
      const bool is_still = more <= kStill * (seconds - marks.back().seconds);
      gone += is_still ? 0 : more;
      if (!is_still) last = here;
      marks.push_back({seconds, gone});
    }
  }
  return marks;
}

struct Pause {
  double begin, end;
};

/// Where the way stays the same for long enough, and what comes after the last mark.
std::vector<Pause> pauses_of(const std::vector<Mark>& marks) {
  std::vector<Pause> pauses;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= marks.size(); ++i) {
    const bool goes_on = i < marks.size() && !(marks[i].way > marks[first].way);
    if (goes_on) continue;
    const double begin = first == 0 ? 0 : marks[first].seconds;
    const double end = i == marks.size() ? kNever : marks[i - 1].seconds;
    if (end - begin >= kRest) pauses.push_back({begin, end});
    first = i;
  }
  return pauses;
}

/// The first time at which `way` has been gone.
double time_of(const std::vector<Mark>& marks, double way) {
  const auto next = std::ranges::lower_bound(marks, way, {}, &Mark::way);
  if (next == marks.end()) return kNever;
  if (next == marks.begin()) return next->seconds;
  const Mark& before = *std::prev(next);
  return before.seconds +
         (next->seconds - before.seconds) * (way - before.way) / (next->way - before.way);
}

double way_at(const std::vector<Mark>& marks, double seconds) {
  const auto next = std::ranges::upper_bound(marks, seconds, {}, &Mark::seconds);
  if (next == marks.begin()) return 0;
  const Mark& before = *std::prev(next);
  if (next == marks.end()) return before.way;
  return before.way +
         (next->way - before.way) * (seconds - before.seconds) / (next->seconds - before.seconds);
}

}  // namespace

Seen Motion::at(double seconds) const {
  Seen seen = rest;
  if (source) {
    const auto [azimuth, elevation, distance] = source->at(seconds);
    seen.direction = {azimuth, elevation};
    if (source->has_third) seen.distance = distance;
  }
  if (head) {
    const Frame frame = head_turned(head->at(seconds));
    seen.direction = direction_of(frame.from_room(unit_vector(seen.direction)));
  }
  return seen;
}

std::vector<Step> steps_of(const Motion& motion, double end, const StepLimits& limits) {
  const std::vector<Mark> marks = marks_of(motion, end, limits);
  const std::vector<Pause> pauses = pauses_of(marks);
  std::vector<Step> steps;
  auto pause = pauses.begin();
  const auto add = [&](double seconds) {
    while (pause != pauses.end() && pause->end <= seconds) ++pause;
    const bool rests = pause != pauses.end() && pause->begin <= seconds;
    steps.push_back({seconds, rests ? pause->end : seconds, motion.at(seconds)});
  };
  if (marks.empty()) return {{0, kNever, motion.at(0)}};
  add(0);
  while (steps.back().until < end) {
    const double from = steps.back().until;
    const double goal = way_at(marks, from) + limits.degrees;
    double next = time_of(marks, goal);
    while (pause != pauses.end() && pause->end <= from) ++pause;
    // The last step before a pause is not followed by one that only rounding makes.
    const double rounded = goal + 1e-6 * limits.degrees;
    if (pause != pauses.end() && way_at(marks, pause->begin) <= rounded) next = pause->begin;
    add(std::max(next, from + limits.seconds));
  }
  return steps;
}

}  // namespace gpuconv
