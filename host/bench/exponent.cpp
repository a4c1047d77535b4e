#include "host/bench/exponent.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace gpuconv {
namespace {

struct Point {
  std::int64_t N;
  double seconds;
};

Exponent fit(const std::vector<Point>& points) {
  const auto n = static_cast<double>(points.size());
  double x_mean = 0, y_mean = 0;
  for (const Point& point : points) {
    x_mean += std::log(static_cast<double>(point.N)) / n;
    y_mean += std::log(point.seconds) / n;
  }
  double xx = 0, xy = 0, yy = 0;
  for (const Point& point : points) {
    const double x = std::log(static_cast<double>(point.N)) - x_mean;
    const double y = std::log(point.seconds) - y_mean;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  Exponent exponent;
  exponent.value = xy / xx;
  exponent.error = std::sqrt(std::max(0.0, yy - xy * xy / xx) / (n - 2) / xx);
  exponent.from = points.front().N;
  exponent.to = points.back().N;
  exponent.sizes = static_cast<int>(points.size());
  return exponent;
}

}  // namespace

std::vector<Exponent> fit_exponents(const std::vector<Row>& rows) {
  using Key = std::pair<std::string, long>;
  std::vector<Key> order;
  std::map<Key, std::map<std::int64_t, double>> seconds;
  for (const Row& row : rows) {
    if (row.is_extrapolated || row.is_out_of_line || row.problem.clips != 1 ||
        !(row.seconds.median > 0))
      continue;
    const Key key{row.contender, row.problem.shape()};
    if (seconds.find(key) == seconds.end()) order.push_back(key);
    seconds[key][row.problem.N] = row.seconds.median;
  }
  std::vector<Exponent> exponents;
  for (const Key& key : order) {
    std::vector<Point> points;
    for (const auto& [N, time] : seconds[key]) points.push_back({N, time});
    if (points.size() < 3) continue;
    const double middle = std::sqrt(static_cast<double>(points.front().N)) *
                          std::sqrt(static_cast<double>(points.back().N));
    while (points.size() > 3 && static_cast<double>(points.front().N) < middle) {
      points.erase(points.begin());
    }
    exponents.push_back(fit(points));
    exponents.back().contender = key.first;
  }
  return exponents;
}

}  // namespace gpuconv
