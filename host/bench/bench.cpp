#include "host/bench/bench.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "host/bench/cpu_peaks.hpp"

namespace gpuconv {
namespace {

double operations_of(const Contender& contender, const Problem& problem) {
  return problem.clips *
         contender.operations(static_cast<double>(problem.N), static_cast<double>(problem.K));
}

/// `problem`, halved until it is no longer hopeless.
Problem within_reach(const Contender& contender, Problem problem, const Bench& bench) {
  if (!contender.estimate) return problem;
  while (contender.estimate(problem, bench.device) > bench.hopeless &&
         (problem.N > 1 || problem.K > 1)) {
    problem.N = std::max<std::int64_t>(1, problem.N / 2);
    problem.K = std::max<std::int64_t>(1, problem.K / 2);
  }
  return problem;
}

/// Those who can solve the problem, in a time that is not hopeless beside the others'.
std::vector<Contender> starters(const Problem& problem, const Bench& bench, BenchReport& report) {
  std::vector<Contender> able;
  for (const Contender& contender : bench.contenders) {
    const std::string reason =
        contender.why_too_much ? contender.why_too_much(problem, bench.device) : "";
    if (reason.empty()) {
      able.push_back(contender);
    } else {
      report.not_here.push_back({contender.name, problem.name, reason});
    }
  }
  const auto estimate = [&](const Contender& contender) {
    return contender.estimate ? contender.estimate(problem, bench.device) : 0;
  };
  double shortest = std::numeric_limits<double>::infinity();
  for (const Contender& contender : able) {
    if (contender.estimate) shortest = std::min(shortest, estimate(contender));
  }
  std::vector<Contender> result;
  for (const Contender& contender : able) {
    if (estimate(contender) <= bench.field * shortest) result.push_back(contender);
  }
  return result;
}

void scale(Statistics& statistics, double factor) {
  for (double* const value :
       {&statistics.median, &statistics.min, &statistics.max, &statistics.low, &statistics.high}) {
    *value *= factor;
  }
}

/// A row, its plan and the sounds the plan looks at. No plan where all is known already.
struct Entry {
  Row row;
  double factor = 1;  ///< from what is measured to what is told
  std::unique_ptr<Sounds> own_sounds;
  std::unique_ptr<TimedPlan> plan;
};

/// The row of a size that was measured before; null if it was not.
const Row* find_measured(const std::vector<Row>& rows, const Contender& contender,
                         const Problem& size) {
  for (const Row& row : rows) {
    if (!row.is_extrapolated && row.contender == contender.name && row.problem.N == size.N &&
        row.problem.K == size.K && row.problem.clips == size.clips) {
      return &row;
    }
  }
  return nullptr;
}

Entry enter(const Contender& contender, const Problem& problem, const Sounds& sounds,
            const Expectation& expectation, const Bench& bench,
            const std::vector<Row>& measured_before) {
  Entry entry;
  Row& row = entry.row;
  row.problem = problem;
  row.contender = contender.name;
  row.place = contender.place;
  row.operations = operations_of(contender, problem);
  row.measured = within_reach(contender, problem, bench);
  row.is_extrapolated = row.measured.N != problem.N || row.measured.K != problem.K;
  if (row.is_extrapolated) {
    entry.factor = row.operations / operations_of(contender, row.measured);
    if (const Row* const known = find_measured(measured_before, contender, row.measured)) {
      const Problem measured = row.measured;
      const double operations = row.operations;
      row = *known;
      row.problem = problem;
      row.measured = measured;
      row.operations = operations;
      row.is_extrapolated = true;
      row.traffic.bytes *= entry.factor;
      scale(row.seconds, entry.factor);
      if (row.cold) scale(*row.cold, entry.factor);
      return entry;
    }
    entry.own_sounds = std::make_unique<Sounds>(row.measured);
  }
  const Sounds& own = row.is_extrapolated ? *entry.own_sounds : sounds;
  row.plan_seconds =
      seconds_of([&] { entry.plan = contender.plan(row.measured, own, bench.device); });
  row.first_seconds = row.plan_seconds + seconds_of([&] { entry.plan->run(); });
  row.traffic = entry.plan->traffic();
  row.traffic.bytes *= entry.factor;
  const ErrorBound bound = contender.bound(row.measured);
  const Expectation::Verdict verdict =
      row.is_extrapolated
          ? Expectation(row.measured, own).judge(entry.plan->wet(), bound, contender.is_direct)
          : expectation.judge(entry.plan->wet(), bound, contender.is_direct);
  row.error = verdict.error;
  row.error_bound = bound.relative;
  row.is_right = verdict.is_right;
  return entry;
}

void time_entries(std::vector<Entry>& entries, const Bench& bench) {
  std::vector<TimedRun> warm;
  std::vector<Entry*> timed;
  for (Entry& entry : entries) {
    if (!entry.plan) continue;
    timed.push_back(&entry);
    warm.push_back([&plan = *entry.plan] { return plan.run(); });
  }
  const std::vector<std::vector<double>> values = take_turns(warm, bench.rule);
  for (std::size_t i = 0; i < timed.size(); ++i) {
    Row& row = timed[i]->row;
    row.seconds = summarise(values[i]);
    row.is_noisy = row.seconds.uncertainty() > bench.believable;
    scale(row.seconds, timed[i]->factor);
  }
  const Row& first = entries.front().row;
  const bool has_rounds = entries.front().plan != nullptr;
  if (has_rounds) {
    for (std::size_t i = 0; i < timed.size(); ++i) {
      timed[i]->row.ratio = ratio(values[i], values.front());
      scale(timed[i]->row.ratio, timed[i]->factor / entries.front().factor);
    }
  }
  for (Entry& entry : entries) {
    if (has_rounds && entry.plan) continue;
    // No rounds in common: the ratio of the medians.
    const double anchor = first.seconds.median;
    entry.row.ratio = summarise({anchor > 0 ? entry.row.seconds.median / anchor : 0});
  }

  std::vector<TimedRun> cold;
  std::vector<Entry*> coldest;
  for (Entry& entry : entries) {
    if (!entry.plan || !entry.plan->run_cold()) continue;
    coldest.push_back(&entry);
    cold.push_back([&plan = *entry.plan] { return plan.run_cold().value(); });
  }
  const std::vector<std::vector<double>> cold_values = take_turns(cold, bench.rule);
  for (std::size_t i = 0; i < coldest.size(); ++i) {
    coldest[i]->row.cold = summarise(cold_values[i]);
    scale(*coldest[i]->row.cold, coldest[i]->factor);
  }
}

}  // namespace

Shares shares_of_peaks(const Row& row, const BenchReport& report) {
  const Peaks& peaks = row.place == Place::cpu ? report.cpu_peaks : report.peaks;
  const auto share = [&](double amount, double peak) {
    return peak > 0 && row.seconds.median > 0 ? amount / row.seconds.median / peak : 0;
  };
  return {share(row.operations, peaks.flops), share(row.traffic.bytes, peaks.bytes_per_second)};
}

BenchReport run_bench(const Bench& bench) {
  BenchReport report;
  report.before = control_timer();
  report.cpu_peaks = bench.is_tiny ? measure_cpu_peaks(1 << 14, 64, 3)
                                   : measure_cpu_peaks(std::size_t{1} << 27, 1 << 16, 100);
  if (bench.device) {
    use_device(bench.device->index);
    report.peaks = bench.is_tiny
                       ? measure_peaks(*bench.device, (1 << 14) + 16, 4, 3)  // no whole block
                       : measure_peaks(*bench.device, std::size_t{1} << 29, 4096, 25);
  }
  for (const Problem& problem : bench.problems) {
    const Sounds sounds(problem);
    const Expectation expectation(problem, sounds);
    std::vector<Entry> entries;
    for (const Contender& contender : starters(problem, bench, report)) {
      try {
        entries.push_back(enter(contender, problem, sounds, expectation, bench, report.rows));
      } catch (const std::runtime_error& error) {
        report.not_here.push_back({contender.name, problem.name, error.what()});
      }
    }
    if (entries.empty()) continue;
    time_entries(entries, bench);
    for (Entry& entry : entries) report.rows.push_back(std::move(entry.row));
  }
  report.after = control_timer();
  return report;
}

}  // namespace gpuconv
