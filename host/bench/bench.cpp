#include "host/bench/bench.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

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

/// A row, its plan and the sounds the plan looks at.
struct Entry {
  Row row;
  double factor = 1;  ///< from what is measured to what is told
  std::unique_ptr<Sounds> own_sounds;
  std::unique_ptr<TimedPlan> plan;
};

Entry enter(const Contender& contender, const Problem& problem, const Sounds& sounds,
            const Expectation& expectation, const Bench& bench) {
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
  for (Entry& entry : entries) warm.push_back([&plan = *entry.plan] { return plan.run(); });
  const std::vector<std::vector<double>> values = take_turns(warm, bench.rule);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Row& row = entries[i].row;
    row.seconds = summarise(values[i]);
    row.is_noisy = row.seconds.uncertainty() > bench.believable;
    row.ratio = ratio(values[i], values.front());
    scale(row.seconds, entries[i].factor);
    scale(row.ratio, entries[i].factor / entries.front().factor);
  }

  std::vector<TimedRun> cold;
  std::vector<Entry*> coldest;
  for (Entry& entry : entries) {
    if (!entry.plan->run_cold()) continue;
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

BenchReport run_bench(const Bench& bench) {
  BenchReport report;
  report.before = control_timer();
  if (bench.device) {
    use_device(bench.device->index);
    report.peaks = bench.is_tiny ? measure_peaks(*bench.device, 1 << 14, 4, 3)
                                 : measure_peaks(*bench.device, std::size_t{1} << 29, 4096, 25);
  }
  for (const Problem& problem : bench.problems) {
    const Sounds sounds(problem);
    const Expectation expectation(problem, sounds);
    std::vector<Entry> entries;
    for (const Contender& contender : starters(problem, bench, report)) {
      try {
        entries.push_back(enter(contender, problem, sounds, expectation, bench));
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
