// bench.hpp - contenders on problems: rows of times, each with what it needs to be believed
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cuda/runtime/peaks.hpp"
#include "host/bench/contender.hpp"
#include "host/bench/measure.hpp"
#include "host/bench/timer.hpp"

namespace gpuconv {

struct Row {
  Problem problem;
  std::string contender;
  Processor processor = Processor::cpu;
  Statistics seconds;              ///< of one run: all clips, both ears, planned
  std::optional<Statistics> cold;  ///< of one run with nothing in the caches; GPU only
  /// Value over that of the first row of the same problem: run by run, if they took turns.
  Statistics ratio;
  double plan_seconds = 0;   ///< of planning, with the response's transform; once
  double first_seconds = 0;  ///< of planning and the first run after it; once
  double operations = 0;     ///< of one run
  Traffic traffic;
  double error = 0;  ///< E of the worse ear, from samples
  double error_bound = 0;
  bool is_right = false;
  /// Not measured at this size but at `measured`, and scaled by its operations.
  bool is_extrapolated = false;
  Problem measured;
  /// The median is less certain than `Bench::noise_limit`, or out of line; measured twice.
  bool is_noisy = false;
  bool is_out_of_line = false;  ///< see outliers.hpp
};

/// A contender without a row.
struct Skipped {
  enum class Kind {
    error,  ///< something went wrong
    limit,  ///< the contender cannot do that, as is known beforehand
    slower  ///< by estimate far slower than another one
  };
  std::string contender;
  std::string problem;
  std::string reason;
  Kind kind = Kind::error;
};

/// What is going on, told before whatever may take long and ten times a second.
struct BenchStep {
  std::string what;          ///< "cpu-naive, head"
  double seconds_left = 0;   ///< of all, by estimate; 0: not known
  double seconds_of_it = 0;  ///< of what begins here, by estimate; 0: it has begun before
};

/// Times of an emulated GPU mean nothing, and sanitizers slow down the CPU's methods too.
#ifdef GPUCONV_EMULATED
inline constexpr bool kIsEmulated = true;
#else
inline constexpr bool kIsEmulated = false;
#endif

struct Bench {
  std::vector<Problem> problems;
  std::vector<Contender> contenders;
  std::optional<Device> device;
  Rule rule;
  double too_slow = 5;  ///< estimated seconds of a run, beyond which one of half is measured
  /// Methods whose estimate is more than this many times the shortest one stay away.
  double field = std::numeric_limits<double>::infinity();
  bool is_tiny = false;       ///< peaks are measured in a moment, too
  double noise_limit = 0.05;  ///< uncertainty of a median that is called noise
  int retries = 1;            ///< of what is noisy
  bool is_emulated = kIsEmulated;
  std::function<void(const BenchStep&)> watch = {};
};

struct BenchReport {
  std::string date;                        ///< of the begin, "2026-11-29T16:20:00Z"
  double load_before = 0, load_after = 0;  ///< of the machine, in the mean of a minute
  int cores = 0;                           ///< that this process may use
  bool is_emulated = false;                ///< no time means anything, and no peak is measured
  TimerControl before, after;
  Peaks cpu_peaks;
  Peaks peaks;  ///< of the device; zero without one
  std::vector<Row> rows;
  std::vector<Skipped> not_here;
};

/// A contender that solves a problem, and the size that is measured: all of it, or what is not too
/// slow.
struct Entry {
  Contender contender;
  Problem measured;
};

/// By estimates: nothing runs, and the device need not be here. Adds the others to `skipped`.
std::vector<Entry> entries(const Problem& problem, const Bench& bench,
                           std::vector<Skipped>& skipped);

/// Share of its processor's measured peaks that a row reached; 0 without a peak or a count.
/// A share of bytes above 1 means that they stayed in a cache.
struct Shares {
  double operations = 0;
  double bytes = 0;
};

Shares shares_of_peaks(const Row& row, const BenchReport& report);

/// Contenders of one processor take turns on problems of one group: as many as fit into memory at
/// once, so that a busy minute does not hit one size only. What is wrong is measured all the same,
/// and says so; who fails is skipped, and the others go on.
BenchReport run_bench(const Bench& bench);

}  // namespace gpuconv
