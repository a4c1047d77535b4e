#include "host/bench/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>

#include "host/bench/cpu_peaks.hpp"

namespace gpuconv {
namespace {

bool is_same_size(const Problem& a, const Problem& b) {
  return a.N == b.N && a.K == b.K && a.clips == b.clips;
}

double operations_of(const Contender& contender, const Problem& problem) {
  return problem.clips *
         contender.operations(static_cast<double>(problem.N), static_cast<double>(problem.K));
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
  double factor = 1;  ///< from seconds of a run to those of a row
  std::unique_ptr<Sounds> own_sounds;
  std::unique_ptr<TimedPlan> plan;
  std::vector<double> warm, cold;  ///< seconds, in rounds with the others of its processor
  std::string failure;             ///< of a run that was timed; empty if there is none
};

/// The row of a size that was measured before; null if it was not.
const Row* find_measured(const std::vector<Row>& rows, const Contender& contender,
                         const Problem& size) {
  for (const Row& row : rows) {
    if (!row.is_extrapolated && row.contender == contender.name &&
        is_same_size(row.problem, size)) {
      return &row;
    }
  }
  return nullptr;
}

Entry enter(const Starter& starter, const Problem& problem, const Sounds& sounds,
            const Expectation& expectation, const Bench& bench,
            const std::vector<Row>& measured_before) {
  const Contender& contender = starter.contender;
  Entry entry;
  Row& row = entry.row;
  row.problem = problem;
  row.contender = contender.name;
  row.processor = contender.processor;
  row.operations = operations_of(contender, problem);
  row.measured = starter.measured;
  row.is_extrapolated = !is_same_size(row.measured, problem);
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
  row.first_seconds = row.plan_seconds + seconds_of([&] { entry.plan->run_once(); });
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

/// The seconds of each entry of `processor`, by `run`. They take turns; who fails has no more of
/// them.
void take_turns_on(Processor processor, std::vector<Entry>& entries, const Rule& rule,
                   double (*run)(TimedPlan&), std::vector<double> Entry::*seconds) {
  std::vector<TimedRun> runs;
  std::vector<Entry*> timed;
  for (Entry& entry : entries) {
    if (!entry.plan || entry.row.processor != processor || !entry.failure.empty()) continue;
    timed.push_back(&entry);
    runs.push_back([&entry, run] {
      try {
        return run(*entry.plan);
      } catch (const std::exception& error) {
        entry.failure = error.what();
        return std::numeric_limits<double>::infinity();  // beyond all patience
      }
    });
  }
  const std::vector<std::vector<double>> values = take_turns(runs, rule);
  for (std::size_t i = 0; i < timed.size(); ++i) timed[i]->*seconds = values[i];
}

/// Measures, and leaves only those who did not fail. One processor after the other: while a CPU
/// method takes its seconds, a GPU forgets what was in its caches, and slows its clock.
void time_entries(std::vector<Entry>& entries, const Bench& bench, std::vector<Absence>& absent) {
  for (const Processor processor : {Processor::cpu, Processor::gpu}) {
    take_turns_on(
        processor, entries, bench.rule, [](TimedPlan& plan) { return plan.run(); }, &Entry::warm);
  }
  take_turns_on(
      Processor::gpu, entries, bench.rule, [](TimedPlan& plan) { return plan.run_cold().value(); },
      &Entry::cold);
  std::erase_if(entries, [&](const Entry& entry) {
    if (entry.failure.empty()) return false;
    absent.push_back({entry.row.contender, entry.row.problem.name, entry.failure});
    return true;
  });
  for (Entry& entry : entries) {
    if (!entry.plan) continue;
    Row& row = entry.row;
    row.seconds = summarise(entry.warm);
    row.is_noisy = row.seconds.uncertainty() > bench.believable;
    scale(row.seconds, entry.factor);
    if (entry.cold.empty()) continue;
    row.cold = summarise(entry.cold);
    scale(*row.cold, entry.factor);
  }
  for (Entry& entry : entries) {
    const Entry& first = entries.front();
    if (entry.plan && first.plan && entry.row.processor == first.row.processor) {
      entry.row.ratio = ratio(entry.warm, first.warm);
      scale(entry.row.ratio, entry.factor / first.factor);
    } else {  // no rounds in common: the ratio of the medians
      const double anchor = first.row.seconds.median;
      entry.row.ratio = summarise({anchor > 0 ? entry.row.seconds.median / anchor : 0});
    }
  }
}

void solve(const Problem& problem, const std::vector<Starter>& list, const Bench& bench,
           BenchReport& report) {
  const Sounds sounds(problem);
  const Expectation expectation(problem, sounds);
  std::vector<Entry> entries;
  for (const Starter& starter : list) {
    try {
      entries.push_back(enter(starter, problem, sounds, expectation, bench, report.rows));
    } catch (const std::exception& error) {
      report.not_here.push_back({starter.contender.name, problem.name, error.what()});
    }
  }
  time_entries(entries, bench, report.not_here);
  for (Entry& entry : entries) report.rows.push_back(std::move(entry.row));
}

/// `problem`, or where it is hopeless what is left of it after halving the clips, then both lengths
/// of one clip, until it takes half as long as what is just not hopeless.
Problem within_reach(const Contender& contender, Problem problem, const Bench& bench) {
  const auto takes_longer_than = [&](double seconds) {
    return contender.estimate(problem, bench.device) > seconds;
  };
  if (!contender.estimate || !takes_longer_than(bench.hopeless)) return problem;
  while (takes_longer_than(bench.hopeless / 2) && (problem.N > 1 || problem.K > 1)) {
    if (problem.clips > 1) {
      problem.clips /= 2;
      continue;
    }
    problem.N = std::max<std::int64_t>(1, problem.N / 2);
    problem.K = std::max<std::int64_t>(1, problem.K / 2);
  }
  return problem;
}

}  // namespace

std::vector<Starter> starters(const Problem& problem, const Bench& bench,
                              std::vector<Absence>& absent) {
  std::vector<const Contender*> able;
  for (const Contender& contender : bench.contenders) {
    const std::string reason =
        contender.why_too_much ? contender.why_too_much(problem, bench.device) : "";
    if (reason.empty()) {
      able.push_back(&contender);
    } else {
      absent.push_back({contender.name, problem.name, reason, Absence::Kind::limit});
    }
  }
  const auto estimate = [&](const Contender& contender) {
    return contender.estimate ? contender.estimate(problem, bench.device) : 0;
  };
  double shortest = std::numeric_limits<double>::infinity();
  for (const Contender* const contender : able) {
    if (contender->estimate) shortest = std::min(shortest, estimate(*contender));
  }
  std::vector<Starter> result;
  for (const Contender* const contender : able) {
    if (const double times = estimate(*contender) / shortest; times > bench.field) {
      absent.push_back({contender->name, problem.name,
                        fmt::format("by estimate {:.0f} times slower than another method", times),
                        Absence::Kind::behind});
      continue;
    }
    result.push_back({*contender, within_reach(*contender, problem, bench)});
  }
  return result;
}

Shares shares_of_peaks(const Row& row, const BenchReport& report) {
  const Peaks& peaks = row.processor == Processor::cpu ? report.cpu_peaks : report.peaks;
  const auto share = [&](double amount, double peak) {
    return peak > 0 && row.seconds.median > 0 ? amount / row.seconds.median / peak : 0;
  };
  return {share(row.operations, peaks.flops), share(row.traffic.bytes, peaks.bytes_per_second)};
}

BenchReport run_bench(const Bench& bench) {
  BenchReport report;
  report.before = control_timer();
  const bool has_cpu =
      std::any_of(bench.contenders.begin(), bench.contenders.end(),
                  [](const Contender& one) { return one.processor == Processor::cpu; });
  if (has_cpu) {
    report.cpu_peaks = bench.is_tiny ? measure_cpu_peaks(1 << 14, 64, 3)
                                     : measure_cpu_peaks(std::size_t{1} << 27, 1 << 16, 100);
  }
  if (bench.device) {
    use_device(bench.device->index);
    report.peaks = bench.is_tiny
                       ? measure_peaks(*bench.device, (1 << 14) + 16, 1, 3)  // no whole block
                       : measure_peaks(*bench.device, std::size_t{1} << 29, 128, 25);
  }
  for (const Problem& problem : bench.problems) {
    const std::vector<Starter> list = starters(problem, bench, report.not_here);
    try {
      solve(problem, list, bench, report);
    } catch (const std::exception& error) {  // no memory for the sounds
      for (const Starter& starter : list) {
        report.not_here.push_back({starter.contender.name, problem.name, error.what()});
      }
    }
  }
  report.after = control_timer();
  return report;
}

}  // namespace gpuconv
