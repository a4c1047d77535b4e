#include "host/bench/measure.hpp"

#include <algorithm>
#include <numeric>

namespace gpuconv {
namespace {

bool is_done(const std::vector<double>& values, const Rule& rule) {
  if (values.empty()) return false;
  const double spent = std::accumulate(values.begin(), values.end(), 0.0);
  const int runs = static_cast<int>(values.size());
  if (spent >= rule.patience || runs >= rule.most) return true;
  if (runs < rule.fewest) return false;
  return spent >= rule.seconds || summarise(values).uncertainty() <= rule.tight;
}

}  // namespace

std::vector<std::vector<double>> take_turns(std::span<const TimedRun> runs, const Rule& rule) {
  for (const TimedRun& run : runs) {
    double spent = 0;
    for (int i = 0; i < rule.warm_ups && spent < rule.seconds; ++i) spent += run();
  }
  std::vector<std::vector<double>> values(runs.size());
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (is_done(values[i], rule)) continue;
      values[i].push_back(runs[i]());
      goes_on = true;
    }
  }
  return values;
}

Statistics ratio(std::span<const double> values, std::span<const double> anchor) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(values.size(), anchor.size()); ++i) {
    ratios.push_back(values[i] / anchor[i]);
  }
  return summarise(std::move(ratios));
}

}  // namespace gpuconv
