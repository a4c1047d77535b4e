#include "host/room/decay.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace gpuconv {
namespace {

constexpr double kNone = -300;  // dB, for no energy at all

double decibels(double power) {
  return power > 0 ? std::max(kNone, 10 * std::log10(power)) : kNone;
}

/// level = at_zero + slope * t; dB and seconds.
struct Line {
  double at_zero = 0;
  double slope = 0;
  double at(double t) const { return at_zero + slope * t; }
  double when(double level) const { return (level - at_zero) / slope; }
};

struct Point {
  double t, level;
};

/// Least squares; nothing for fewer than 2 points.
std::optional<Line> line_through(std::span<const Point> points) {
  if (points.size() < 2) return std::nullopt;
  const auto count = static_cast<double>(points.size());
  double t = 0, level = 0;
  for (const Point& point : points) t += point.t / count, level += point.level / count;
  double squares = 0, products = 0;
  for (const Point& point : points) {
    squares += (point.t - t) * (point.t - t);
    products += (point.t - t) * (point.level - level);
  }
  if (squares == 0) return std::nullopt;
  const double slope = products / squares;
  return Line{level - slope * t, slope};
}

class Lundeby {
 public:
  Lundeby(std::span<const double> power, double rate) : power_(power), rate_(rate) { find(); }

  bool is_found() const { return is_found_; }
  double noise() const { return noise_; }
  double loudest() const { return loudest_; }
  /// Of the late decay.
  const Line& line() const { return line_; }
  /// Seconds.
  double crossing() const { return crossing_; }

 private:
  double seconds() const { return static_cast<double>(power_.size()) / rate_; }

  /// Mean levels of intervals, at their middles.
  std::vector<Point> intervals(double length) const {
    const auto size = std::max<std::size_t>(1, static_cast<std::size_t>(length * rate_));
    std::vector<Point> points;
    for (std::size_t begin = 0; begin + size <= power_.size(); begin += size) {
      points.push_back({(static_cast<double>(begin) + 0.5 * static_cast<double>(size)) / rate_,
                        decibels(mean(begin, begin + size))});
    }
    return points;
  }

  double mean(std::size_t begin, std::size_t end) const {
    double sum = 0;
    for (std::size_t n = begin; n < end; ++n) sum += power_[n];
    return sum / static_cast<double>(end - begin);
  }

  /// From `from` seconds on, but at least of the last tenth.
  double mean_after(double from) const {
    const auto begin = static_cast<std::size_t>(std::min(from, 0.9 * seconds()) * rate_);
    return mean(begin, power_.size());
  }

  /// A line through the intervals after the loudest one, from the first one below `high` dB until
  /// one is below `low` dB.
  std::optional<Line> fit(const std::vector<Point>& points, double high, double low) const {
    const auto level = &Point::level;
    const auto loudest = std::ranges::max_element(points, {}, level);
    const auto first = std::find_if(loudest, points.end(),
                                    [=](const Point& point) { return point.level <= high; });
    const auto last =
        std::find_if(first, points.end(), [=](const Point& point) { return point.level < low; });
    const auto line = line_through({first, last});
    return line && line->slope < 0 ? line : std::nullopt;
  }

  void find() {
    constexpr double kFirstInterval = 0.02;  // 10 to 50 ms
    constexpr int kRounds = 8;               // "usually a maximum of 5"
    if (seconds() < 6 * kFirstInterval) return;
    std::vector<Point> points = intervals(kFirstInterval);
    loudest_ = std::ranges::max(points, {}, &Point::level).level;
    noise_ = decibels(mean_after(seconds()));
    auto line = fit(points, loudest_, noise_ + 10);
    if (!line) return;
    line_ = *line;
    crossing_ = line_.when(noise_);
    for (int round = 0; round < kRounds; ++round) {
      const double before = crossing_;
      points = intervals(10 / -line_.slope / 5);  // 3 to 10 intervals for 10 dB
      if (points.size() < 2) return;
      loudest_ = std::ranges::max(points, {}, &Point::level).level;
      noise_ = decibels(mean_after(crossing_ + 10 / -line_.slope));
      // The late decay: 20 dB from 8 dB above the noise on, or what there is.
      line = fit(points, std::min(loudest_, noise_ + 28), noise_ + 8);
      if (!line) return;
      line_ = *line;
      crossing_ = line_.when(noise_);
      if (std::abs(crossing_ - before) < 0.001) break;
    }
    is_found_ = true;
  }

  std::span<const double> power_;
  double rate_;
  bool is_found_ = false;
  double noise_ = kNone, loudest_ = kNone;
  Line line_;
  double crossing_ = 0;
};

}  // namespace

std::optional<Decay> decay_of(std::span<const double> samples, double rate) {
  std::vector<double> power(samples.size());
  std::ranges::transform(samples, power.begin(), [](double x) { return x * x; });
  while (!power.empty() && power.back() == 0) power.pop_back();  // zeros are not noise
  const Lundeby found(power, rate);
  if (!found.is_found()) return std::nullopt;

  const double length = static_cast<double>(power.size()) / rate;
  const double crossing = std::clamp(found.crossing(), 0.0, length);
  Decay decay{};
  decay.end = static_cast<std::size_t>(crossing * rate);
  decay.noise_db = found.noise() - found.loudest();
  // The sum over n > end of 10^(line / 10), as an integral.
  const Line& line = found.line();
  decay.energy_after =
      std::pow(10, line.at(crossing) / 10) * rate * 10 / (-line.slope * std::numbers::ln10);

  std::vector<Point> curve(decay.end);
  double sum = decay.energy_after;
  for (std::size_t n = decay.end; n-- > 0;) {
    sum += power[n];
    curve[n] = {static_cast<double>(n) / rate, decibels(sum)};
  }
  if (curve.empty()) return std::nullopt;
  const double start = curve.front().level;
  const auto seconds_for_60 = [&](double from, double to) -> std::optional<double> {
    if (decay.noise_db > to - 10) return std::nullopt;
    // The curve never rises.
    const auto below = [&](double level) {
      return std::ranges::find_if(curve,
                                  [=](const Point& point) { return point.level - start <= level; });
    };
    const auto first = below(from);
    const auto last = below(to);
    if (last == curve.end()) return std::nullopt;
    const auto slope = line_through({first, last});
    if (!slope || slope->slope >= 0) return std::nullopt;
    return -60 / slope->slope;
  };
  decay.edt = seconds_for_60(-0.1, -10.1);  // not while a filter still waits for the sound
  decay.t20 = seconds_for_60(-5, -25);
  decay.t30 = seconds_for_60(-5, -35);
  return decay;
}

}  // namespace gpuconv
