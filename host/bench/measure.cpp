#include "host/bench/measure.hpp"

#include <algorithm>
#include <numeric>

namespace gpuconv {
namespace {

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

bool is_done(std::span<const double> values, const Rule& rule) {
  if (values.empty()) return false;
  const double spent = sum(values);
  const int runs = static_cast<int>(values.size());
  if (spent >= rule.patience || runs >= rule.most) return true;
  if (runs < rule.fewest) return false;
  return spent >= rule.seconds ||
         summarise({values.begin(), values.end()}).uncertainty() <= rule.tight;
}

}  // namespace

std::vector<std::vector<double>> take_turns(std::span<const TimedRun> runs, const Rule& rule,
                                            const WatchTurns& watch) {
  std::vector<std::vector<double>> values(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    double spent = 0;
    for (int run = 0; run < rule.warm_ups && spent < rule.seconds; ++run) {
      watch(i, values);
      spent += runs[i]();
    }
  }
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (is_done(values[i], rule)) continue;
      watch(i, values);
      values[i].push_back(runs[i]());
      goes_on = true;
    }
  }
  return values;
}

double seconds_left(std::span<const double> values, double of_run, const Rule& rule) {
  if (is_done(values, rule)) return 0;
  const double spent = sum(values);
  const auto runs = static_cast<double>(values.size());
  if (runs > 0) of_run = spent / runs;
  const double left = std::max(rule.seconds - spent,
                               std::min(rule.patience - spent, (rule.fewest - runs) * of_run));
  return of_run > 0 ? std::min(left, (rule.most - runs) * of_run) : left;
}

Statistics ratio(std::span<const double> values, std::span<const double> anchor) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(values.size(), anchor.size()); ++i) {
    ratios.push_back(values[i] / anchor[i]);
  }
  return summarise(std::move(ratios));
}

}  // namespace gpuconv
