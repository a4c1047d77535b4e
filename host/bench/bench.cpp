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
struct Measurement {
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

Measurement measure_one(const Entry& entry, const Problem& problem, const Sounds& sounds,
                        const Expectation& expectation, const Bench& bench,
                        const std::vector<Row>& measured_before) {
  const Contender& contender = entry.contender;
  Measurement one;
  Row& row = one.row;
  row.problem = problem;
  row.contender = contender.name;
  row.processor = contender.processor;
  row.operations = operations_of(contender, problem);
  row.measured = entry.measured;
  row.is_extrapolated = !is_same_size(row.measured, problem);
  if (row.is_extrapolated) {
    one.factor = row.operations / operations_of(contender, row.measured);
    if (const Row* const known = find_measured(measured_before, contender, row.measured)) {
      const Problem measured = row.measured;
      const double operations = row.operations;
      row = *known;
      row.problem = problem;
      row.measured = measured;
      row.operations = operations;
      row.is_extrapolated = true;
      row.traffic.bytes *= one.factor;
      scale(row.seconds, one.factor);
      if (row.cold) scale(*row.cold, one.factor);
      return one;
    }
    one.own_sounds = std::make_unique<Sounds>(row.measured);
  }
  const Sounds& own = row.is_extrapolated ? *one.own_sounds : sounds;
  row.plan_seconds =
      seconds_of([&] { one.plan = contender.plan(row.measured, own, bench.device); });
  row.first_seconds = row.plan_seconds + seconds_of([&] { one.plan->run_once(); });
  row.traffic = one.plan->traffic();
  row.traffic.bytes *= one.factor;
  const ErrorBound bound = contender.bound(row.measured);
  const Expectation::Verdict verdict =
      row.is_extrapolated
          ? Expectation(row.measured, own).judge(one.plan->wet(), bound, contender.is_direct)
          : expectation.judge(one.plan->wet(), bound, contender.is_direct);
  row.error = verdict.error;
  row.error_bound = bound.relative;
  row.is_right = verdict.is_right;
  return one;
}

/// The seconds of each of `processor`, by `run`. They take turns; who fails has no more of
/// them.
void take_turns_on(Processor processor, std::vector<Measurement>& measurements, const Rule& rule,
                   double (*run)(TimedPlan&), std::vector<double> Measurement::*seconds) {
  std::vector<TimedRun> runs;
  std::vector<Measurement*> timed;
  for (Measurement& one : measurements) {
    if (!one.plan || one.row.processor != processor || !one.failure.empty()) continue;
    timed.push_back(&one);
    runs.push_back([&one, run] {
      try {
        return run(*one.plan);
      } catch (const std::exception& error) {
        one.failure = error.what();
        return std::numeric_limits<double>::infinity();  // beyond all patience
      }
    });
  }
  const std::vector<std::vector<double>> values = take_turns(runs, rule);
  for (std::size_t i = 0; i < timed.size(); ++i) timed[i]->*seconds = values[i];
}

/// Measures, and leaves only those who did not fail. One processor after the other: while a CPU
/// method takes its seconds, a GPU forgets what was in its caches, and slows its clock.
void time_all(std::vector<Measurement>& measurements, const Bench& bench,
              std::vector<Skipped>& skipped) {
  for (const Processor processor : {Processor::cpu, Processor::gpu}) {
    take_turns_on(
        processor, measurements, bench.rule, [](TimedPlan& plan) { return plan.run(); },
        &Measurement::warm);
  }
  take_turns_on(
      Processor::gpu, measurements, bench.rule,
      [](TimedPlan& plan) { return plan.run_cold().value(); }, &Measurement::cold);
  std::erase_if(measurements, [&](const Measurement& one) {
    if (one.failure.empty()) return false;
    skipped.push_back({one.row.contender, one.row.problem.name, one.failure});
    return true;
  });
  for (Measurement& one : measurements) {
    if (!one.plan) continue;
    Row& row = one.row;
    row.seconds = summarise(one.warm);
    row.is_noisy = row.seconds.uncertainty() > bench.noise_limit;
    scale(row.seconds, one.factor);
    if (one.cold.empty()) continue;
    row.cold = summarise(one.cold);
    scale(*row.cold, one.factor);
  }
  for (Measurement& one : measurements) {
    const Measurement& first = measurements.front();
    if (one.plan && first.plan && one.row.processor == first.row.processor) {
      one.row.ratio = ratio(one.warm, first.warm);
      scale(one.row.ratio, one.factor / first.factor);
    } else {  // no rounds in common: the ratio of the medians
      const double anchor = first.row.seconds.median;
      one.row.ratio = summarise({anchor > 0 ? one.row.seconds.median / anchor : 0});
    }
  }
}

void solve(const Problem& problem, const std::vector<Entry>& list, const Bench& bench,
           BenchReport& report) {
  const Sounds sounds(problem);
  const Expectation expectation(problem, sounds);
  std::vector<Measurement> measurements;
  for (const Entry& entry : list) {
    try {
      measurements.push_back(measure_one(entry, problem, sounds, expectation, bench, report.rows));
    } catch (const std::exception& error) {
      report.not_here.push_back({entry.contender.name, problem.name, error.what()});
    }
  }
  time_all(measurements, bench, report.not_here);
  for (Measurement& one : measurements) report.rows.push_back(std::move(one.row));
}

/// `problem`, or where it takes too long what is left of it after halving the clips, then both
/// lengths of one clip, until it takes half as long as what is just not too slow.
Problem within_reach(const Contender& contender, Problem problem, const Bench& bench) {
  const auto takes_longer_than = [&](double seconds) {
    return contender.estimate(problem, bench.device) > seconds;
  };
  if (!contender.estimate || !takes_longer_than(bench.too_slow)) return problem;
  while (takes_longer_than(bench.too_slow / 2) && (problem.N > 1 || problem.K > 1)) {
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

std::vector<Entry> entries(const Problem& problem, const Bench& bench,
                           std::vector<Skipped>& skipped) {
  std::vector<const Contender*> able;
  for (const Contender& contender : bench.contenders) {
    const std::string reason =
        contender.why_too_much ? contender.why_too_much(problem, bench.device) : "";
    if (reason.empty()) {
      able.push_back(&contender);
    } else {
      skipped.push_back({contender.name, problem.name, reason, Skipped::Kind::limit});
    }
  }
  const auto estimate = [&](const Contender& contender) {
    return contender.estimate ? contender.estimate(problem, bench.device) : 0;
  };
  double shortest = std::numeric_limits<double>::infinity();
  for (const Contender* const contender : able) {
    if (contender->estimate) shortest = std::min(shortest, estimate(*contender));
  }
  std::vector<Entry> result;
  for (const Contender* const contender : able) {
    if (const double times = estimate(*contender) / shortest; times > bench.field) {
      skipped.push_back({contender->name, problem.name,
                         fmt::format("by estimate {:.0f} times slower than another method", times),
                         Skipped::Kind::slower});
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
    const std::vector<Entry> list = entries(problem, bench, report.not_here);
    try {
      solve(problem, list, bench, report);
    } catch (const std::exception& error) {  // no memory for the sounds
      for (const Entry& entry : list) {
        report.not_here.push_back({entry.contender.name, problem.name, error.what()});
      }
    }
  }
  report.after = control_timer();
  return report;
}

}  // namespace gpuconv
