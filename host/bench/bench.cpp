#include "host/bench/bench.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <list>
#include <memory>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "host/base/parallel.hpp"
#include "host/bench/cpu_peaks.hpp"
#include "host/bench/outliers.hpp"

namespace gpuconv {
namespace {

bool is_same_size(const Problem& a, const Problem& b) {
  return a.N == b.N && a.K == b.K && a.clips == b.clips;
}

bool is_same_problem(const Row& a, const Row& b) {
  return a.problem.name == b.problem.name && is_same_size(a.problem, b.problem);
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

/// A row, its plan and the sounds the plan looks at. No plan where a smaller size of it is measured
/// elsewhere.
struct Measurement {
  Row row;
  double factor = 1;  ///< from seconds of a run to those of a row
  double of_run = 0;  ///< seconds by estimate; 0: not known
  std::shared_ptr<const Sounds> sounds;
  std::unique_ptr<TimedPlan> plan;
  std::vector<double> warm, cold;  ///< seconds, in rounds with the others of its processor
  bool is_doubtful = true;         ///< not measured yet, or noisy
  bool takes_part = false;         ///< in the rounds that are going on
  std::string failure;             ///< of a run that was timed; empty if there is none
};

constexpr double kUntimedRuns = 2;  // the first one, and the one that is judged

/// In a list, since others point at them.
using Measurements = std::list<Measurement>;

std::string title_of(const Row& row) { return row.contender + ", " + row.problem.name; }

/// Tells `Bench::watch`, but not so often that short runs would wait for it.
class Pace {
 public:
  explicit Pace(const Bench& bench) : bench_(bench) {}

  double later = 0;  ///< seconds of what has not begun, by estimate

  void begin(const std::string& what, double seconds) { tell({what, later, seconds}); }

  template <typename SecondsLeft>
  void go_on(const Row& row, const SecondsLeft& left) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::milliseconds(100)) return;
    tell({title_of(row), later + left(), 0});
    told_ = now;
  }

 private:
  void tell(BenchStep step) {
    if (bench_.is_emulated) step.seconds_left = step.seconds_of_it = 0;  // estimates are of a GPU
    if (bench_.watch) bench_.watch(step);
  }

  const Bench& bench_;
  std::chrono::steady_clock::time_point told_ = {};
};

double estimate(const Contender& contender, const Problem& problem, const Bench& bench) {
  return contender.estimate ? contender.estimate(problem, bench.device) : 0;
}

/// The row of a size that was measured; null if it was not.
const Row* find_measured(const std::vector<const Row*>& rows, const std::string& contender,
                         const Problem& size) {
  for (const Row* const row : rows) {
    if (!row->is_extrapolated && row->contender == contender && is_same_size(row->problem, size)) {
      return row;
    }
  }
  return nullptr;
}

std::vector<const Row*> rows_of(const std::vector<Row>& before, const Measurements& measurements) {
  std::vector<const Row*> rows;
  for (const Row& row : before) rows.push_back(&row);
  for (const Measurement& one : measurements) rows.push_back(&one.row);
  return rows;
}

/// Plans, runs once and judges the result; none of that where `known` has a row of that size.
Measurement prepare(const Entry& entry, const Problem& problem,
                    const std::shared_ptr<const Sounds>& sounds, const Expectation& expectation,
                    const Bench& bench, Pace& pace, const std::vector<const Row*>& known) {
  const Contender& contender = entry.contender;
  Measurement one;
  Row& row = one.row;
  row.problem = problem;
  row.contender = contender.name;
  row.processor = contender.processor;
  row.operations = operations_of(contender, problem);
  row.measured = entry.measured;
  row.is_extrapolated = !is_same_size(row.measured, problem);
  one.sounds = sounds;
  if (row.is_extrapolated) {
    one.factor = row.operations / operations_of(contender, row.measured);
    if (find_measured(known, row.contender, row.measured) != nullptr) return one;
    one.sounds = std::make_shared<Sounds>(row.measured);
  }
  one.of_run = estimate(contender, row.measured, bench);
  pace.begin(title_of(row), seconds_left({}, one.of_run, bench.rule));
  row.plan_seconds =
      seconds_of([&] { one.plan = contender.plan(row.measured, *one.sounds, bench.device); });
  row.first_seconds = row.plan_seconds + seconds_of([&] { one.plan->run_once(); });
  row.traffic = one.plan->traffic();
  row.traffic.bytes *= one.factor;
  const ErrorBound bound = contender.bound(row.measured);
  const Expectation::Verdict verdict =
      row.is_extrapolated ? Expectation(row.measured, *one.sounds)
                                .judge(one.plan->wet(), bound, contender.is_direct)
                          : expectation.judge(one.plan->wet(), bound, contender.is_direct);
  row.error = verdict.error;
  row.error_bound = bound.relative;
  row.is_right = verdict.is_right;
  pace.later -= kUntimedRuns * one.of_run;
  return one;
}

/// Completes a row without a plan by that of the size which was measured.
void extrapolate(Measurement& one, const Row& known) {
  const Row asked = std::exchange(one.row, known);
  Row& row = one.row;
  row.problem = asked.problem;
  row.measured = asked.measured;
  row.operations = asked.operations;
  row.is_extrapolated = true;
  row.ratio = {};
  row.traffic.bytes *= one.factor;
  scale(row.seconds, one.factor);
  if (row.cold) scale(*row.cold, one.factor);
}

/// The seconds of each of `processor` that takes part, by `run`. They take turns; who fails has no
/// more of them.
void take_turns_on(Processor processor, Measurements& measurements, const Rule& rule,
                   double (*run)(TimedPlan&), std::vector<double> Measurement::*seconds,
                   Pace& pace) {
  std::vector<TimedRun> runs;
  std::vector<Measurement*> timed;
  for (Measurement& one : measurements) {
    if (!one.takes_part || one.row.processor != processor || !one.failure.empty()) continue;
    timed.push_back(&one);
    if ((one.*seconds).empty()) pace.later -= seconds_left({}, one.of_run, rule);
    runs.push_back([&one, run] {
      try {
        return run(*one.plan);
      } catch (const std::exception& error) {
        one.failure = error.what();
        return std::numeric_limits<double>::infinity();  // beyond all patience
      }
    });
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto watch = [&](std::size_t i, std::span<const std::vector<double>> values) {
    pace.go_on(timed[i]->row, [&] {
      double left = 0, spent = 0;
      for (std::size_t k = 0; k < timed.size(); ++k) {
        left += seconds_left(values[k], timed[k]->of_run, rule);
        spent = std::accumulate(values[k].begin(), values[k].end(), spent);
      }
      // What is not timed takes its time, too.
      const double elapsed =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      return spent > 0 ? left * std::max(1.0, elapsed / spent) : left;
    });
  };
  const std::vector<std::vector<double>> values = take_turns(runs, rule, watch);
  for (std::size_t i = 0; i < timed.size(); ++i) timed[i]->*seconds = values[i];
}

/// The first of the same problem, which others are compared with.
Measurement& first_of(Measurements& measurements, const Measurement& one) {
  return *std::find_if(measurements.begin(), measurements.end(), [&](const Measurement& other) {
    return is_same_problem(other.row, one.row);
  });
}

/// Those that are doubtful and, for the ratio, the first of their problem.
bool choose_who_takes_part(Measurements& measurements) {
  for (Measurement& one : measurements) one.takes_part = one.plan && one.is_doubtful;
  bool is_any = false;
  for (Measurement& one : measurements) {
    if (!one.plan || !one.is_doubtful) continue;
    is_any = true;
    Measurement& first = first_of(measurements, one);
    if (first.plan && first.row.processor == one.row.processor) first.takes_part = true;
  }
  return is_any;
}

/// Takes what was measured into the rows of those that were doubtful.
void summarise_rounds(Measurements& measurements) {
  for (Measurement& one : measurements) {
    if (!one.takes_part || !one.is_doubtful) continue;
    Row& row = one.row;
    row.seconds = summarise(one.warm);
    scale(row.seconds, one.factor);
    const Measurement& first = first_of(measurements, one);
    if (first.takes_part && first.row.processor == row.processor) {
      row.ratio = ratio(one.warm, first.warm);
      scale(row.ratio, one.factor / first.factor);
    }
    if (one.cold.empty()) continue;
    row.cold = summarise(one.cold);
    scale(*row.cold, one.factor);
  }
}

/// Measures; what is noisy once more. Leaves only those who did not fail. One processor after the
/// other: while a CPU method takes its seconds, a GPU forgets what was in its caches, and slows its
/// clock.
void time_all(Measurements& measurements, const Bench& bench, Pace& pace, BenchReport& report) {
  for (int attempt = 0; attempt <= bench.retries && choose_who_takes_part(measurements);
       ++attempt) {
    for (const Processor processor : {Processor::cpu, Processor::gpu}) {
      take_turns_on(
          processor, measurements, bench.rule, [](TimedPlan& plan) { return plan.run(); },
          &Measurement::warm, pace);
    }
    if (attempt == 0) {
      take_turns_on(
          Processor::gpu, measurements, bench.rule,
          [](TimedPlan& plan) { return plan.run_cold().value(); }, &Measurement::cold, pace);
    }
    measurements.remove_if([&](const Measurement& one) {
      if (one.failure.empty()) return false;
      report.not_here.push_back({one.row.contender, one.row.problem.name, one.failure});
      return true;
    });
    summarise_rounds(measurements);
    const std::set<const Row*> outliers = out_of_line(rows_of(report.rows, measurements));
    for (Measurement& one : measurements) {
      one.row.is_out_of_line = outliers.contains(&one.row);
      one.row.is_noisy =
          one.row.is_out_of_line || one.row.seconds.uncertainty() > bench.noise_limit;
      one.is_doubtful = one.row.is_noisy && !bench.is_emulated;
    }
  }
}

/// Problems that are measured together, with those who solve them.
using Group = std::vector<std::pair<Problem, std::vector<Entry>>>;

/// Seconds of a group, by estimate.
double expected_seconds(const Group& group, const Bench& bench) {
  double seconds = 0;
  for (const auto& [problem, list] : group) {
    for (const Entry& entry : list) {
      const double of_run = estimate(entry.contender, entry.measured, bench);
      const int phases = entry.contender.processor == Processor::gpu ? 2 : 1;
      seconds += kUntimedRuns * of_run + phases * seconds_left({}, of_run, bench.rule);
    }
  }
  return seconds;
}

void solve(const Group& group, const Bench& bench, Pace& pace, BenchReport& report) {
  Measurements measurements;
  for (const auto& [problem, list] : group) {
    const auto skip = [&, name = problem.name](const Entry& entry, const char* reason) {
      report.not_here.push_back({entry.contender.name, name, reason});
    };
    try {
      const auto sounds = std::make_shared<Sounds>(problem);
      const Expectation expectation(problem, *sounds);
      for (const Entry& entry : list) {
        try {
          measurements.push_back(prepare(entry, problem, sounds, expectation, bench, pace,
                                         rows_of(report.rows, measurements)));
        } catch (const std::exception& error) {
          skip(entry, error.what());
        }
      }
    } catch (const std::exception& error) {  // no memory for the sounds
      for (const Entry& entry : list) skip(entry, error.what());
    }
  }
  time_all(measurements, bench, pace, report);
  const std::size_t before = report.rows.size();
  for (Measurement& one : measurements) {
    if (!one.plan) {
      const Row* const known =
          find_measured(rows_of(report.rows, {}), one.row.contender, one.row.measured);
      if (known == nullptr) {
        report.not_here.push_back(
            {one.row.contender, one.row.problem.name, "its smaller size failed"});
        continue;
      }
      extrapolate(one, *known);
    }
    report.rows.push_back(std::move(one.row));
  }
  for (Row& row : std::span(report.rows).subspan(before)) {
    if (row.ratio.runs > 0) continue;  // no rounds in common: the ratio of the medians
    const auto first = std::find_if(report.rows.begin() + std::ptrdiff_t(before), report.rows.end(),
                                    [&](const Row& other) { return is_same_problem(other, row); });
    const double anchor = first->seconds.median;
    row.ratio = summarise({anchor > 0 ? row.seconds.median / anchor : 0});
  }
}

/// `problem`, or where it takes too long what is left of it after halving the clips, then both
/// lengths of one clip, until it takes half as long as what is just not too slow.
Problem within_reach(const Contender& contender, Problem problem, const Bench& bench) {
  const auto takes_longer_than = [&](double seconds) {
    return estimate(contender, problem, bench) > seconds;
  };
  if (!takes_longer_than(bench.too_slow)) return problem;
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
  double shortest = std::numeric_limits<double>::infinity();
  for (const Contender* const contender : able) {
    if (contender->estimate) shortest = std::min(shortest, estimate(*contender, problem, bench));
  }
  std::vector<Entry> result;
  for (const Contender* const contender : able) {
    if (const double times = estimate(*contender, problem, bench) / shortest; times > bench.field) {
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

namespace {

std::string time_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// Of the machine: threads that want a core, in the mean of the last minute.
double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

void measure_all_peaks(const Bench& bench, Pace& pace, BenchReport& report) {
  const bool has_cpu =
      std::any_of(bench.contenders.begin(), bench.contenders.end(),
                  [](const Contender& one) { return one.processor == Processor::cpu; });
  if (has_cpu) {
    pace.begin("peaks of the CPU", 0);
    report.cpu_peaks = bench.is_tiny ? measure_cpu_peaks(1 << 14, 64, 3)
                                     : measure_cpu_peaks(std::size_t{1} << 27, 1 << 16, 100);
  }
  if (bench.device) {
    pace.begin("peaks of the GPU", 0);
    report.peaks = bench.is_tiny
                       ? measure_peaks(*bench.device, (1 << 14) + 16, 1, 3)  // no whole block
                       : measure_peaks(*bench.device, std::size_t{1} << 29, 128, 25);
  }
}

/// Problems one after another, together as long as their plans take no more than some hundred MB.
std::vector<Group> groups_of(const Bench& bench, std::vector<Skipped>& skipped) {
  constexpr std::int64_t kTogether = 1 << 22;  // samples
  std::vector<Group> groups;
  std::int64_t samples = 0;
  for (const Problem& problem : bench.problems) {
    const std::int64_t size = problem.clips * (problem.N + problem.K);
    samples += size;
    if (groups.empty() || samples > kTogether) {
      groups.emplace_back();
      samples = size;
    }
    groups.back().emplace_back(problem, entries(problem, bench, skipped));
  }
  return groups;
}

}  // namespace

BenchReport run_bench(const Bench& bench) {
  BenchReport report;
  report.date = time_now();
  report.load_before = load_average();
  report.cores = core_count();
  report.is_emulated = bench.is_emulated;
  report.before = control_timer();
  if (bench.device) use_device(bench.device->index);
  Pace pace(bench);
  const std::vector<Group> groups = groups_of(bench, report.not_here);
  double later = 0;
  for (const Group& group : groups) later += expected_seconds(group, bench);
  pace.later = later;
  if (!bench.is_emulated) measure_all_peaks(bench, pace, report);
  for (const Group& group : groups) {
    pace.later = later;
    solve(group, bench, pace, report);
    later -= expected_seconds(group, bench);
  }
  // An outlier may be seen only beside what was measured after it.
  const std::set<const Row*> outliers = out_of_line(rows_of(report.rows, {}));
  for (Row& row : report.rows) {
    row.is_out_of_line = row.is_out_of_line || outliers.contains(&row);
    row.is_noisy = row.is_noisy || row.is_out_of_line;
  }
  report.after = control_timer();
  report.load_after = load_average();
  return report;
}

}  // namespace gpuconv
