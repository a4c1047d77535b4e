#include "host/bench/page/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "host/base/duration.hpp"
#include "host/bench/exponent.hpp"

namespace gpuconv {
namespace {

// ---- words ------------------------------------------------------------------------------------

/// Ticks are powers of ten only nearly; 999.9999 ms are 1 s.
double nudged(double value) { return value * (1 + 1e-9); }

std::string time_words(double seconds) {
  seconds = nudged(seconds);
  return seconds < 1 ? duration(seconds) : with_commas(static_cast<std::int64_t>(seconds)) + " s";
}

std::string short_words(double value) {
  value = nudged(value);
  if (value < 1e3) return fmt::format("{:.3g}", value);
  if (value < 1e6) return fmt::format("{:.3g} k", value / 1e3);
  if (value < 1e9) return fmt::format("{:.3g} M", value / 1e6);
  return fmt::format("{:.3g} G", value / 1e9);
}

std::string rate_words(double per_second) {
  per_second = nudged(per_second);
  if (per_second < 1e9) return fmt::format("{:.3g} M", per_second / 1e6);
  if (per_second < 1e12) return fmt::format("{:.3g} G", per_second / 1e9);
  return fmt::format("{:.3g} T", per_second / 1e12);
}

std::string when_pointed_at(const Row& row) {
  return fmt::format("{}, {}: {} ({} to {}){}{}", row.contender, words_of(row.problem),
                     duration(row.seconds.median), duration(row.seconds.min),
                     duration(row.seconds.max), row.is_extrapolated ? ", extrapolated" : "",
                     row.is_noisy ? ", noisy" : "");
}

/// Multiplications of the definition.
double product(const Problem& problem) {
  return problem.clips * static_cast<double>(problem.N) * static_cast<double>(problem.K);
}

// ---- rows -------------------------------------------------------------------------------------

/// Rows of one clip for which `key` is the value that has the most distinct `size`s.
template <typename Key, typename Size>
std::vector<const Row*> largest_family(const BenchReport& report, const Key& key,
                                       const Size& size) {
  std::map<long, std::set<std::int64_t>> sizes;
  for (const Row& row : report.rows) {
    if (row.problem.clips == 1) sizes[key(row.problem)].insert(size(row.problem));
  }
  const auto largest = std::max_element(
      sizes.begin(), sizes.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::vector<const Row*> rows;
  if (largest == sizes.end() || largest->second.size() < 3) return rows;
  for (const Row& row : report.rows) {
    if (row.problem.clips == 1 && key(row.problem) == largest->first) rows.push_back(&row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row* a, const Row* b) { return size(a->problem) < size(b->problem); });
  return rows;
}

std::vector<const Row*> rows_by_size(const BenchReport& report) {
  return largest_family(
      report, [](const Problem& problem) { return problem.shape(); },
      [](const Problem& problem) { return problem.N; });
}

std::vector<const Row*> rows_by_taps(const BenchReport& report) {
  return largest_family(
      report, [](const Problem& problem) { return static_cast<long>(problem.N); },
      [](const Problem& problem) { return problem.K; });
}

// ---- series -----------------------------------------------------------------------------------

/// Colour by the rung; circles are CPUs, squares GPUs. Peers are drawn in ink.
Series series_of(const Row& row) {
  Series series;
  series.label = row.contender;
  series.shape = row.processor == Processor::cpu ? Series::Shape::circle : Series::Shape::square;
  int rung = 0;
  for (const Method& method : methods()) {
    if (method.processor != row.processor) continue;
    ++rung;
    if (method.name == row.contender) series.colour = 1 + (rung - 1) % 6;
  }
  return series;
}

/// One series for each contender, in the order of the ladder.
template <typename MarkOf>
std::vector<Series> series_by_contender(const std::vector<const Row*>& rows,
                                        const MarkOf& mark_of) {
  std::vector<Series> all;
  for (const Row* const row : rows) {
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const Series& series) { return series.label == row->contender; });
    if (found == all.end()) found = all.insert(all.end(), series_of(*row));
    Mark mark = mark_of(*row);
    mark.is_guess = row->is_extrapolated;
    mark.words = when_pointed_at(*row);
    found->marks.push_back(mark);
  }
  return all;
}

Mark time_mark(double x, const Row& row) {
  return {.x = x,
          .y = row.seconds.median,
          .low = row.seconds.low,
          .high = row.seconds.high,
          .is_noisy = row.is_noisy};
}

// ---- figures ----------------------------------------------------------------------------------

std::optional<Figure> time_over_size(const BenchReport& report) {
  const std::vector<const Row*> rows = rows_by_size(report);
  if (rows.empty()) return std::nullopt;
  Figure figure;
  figure.heading = "Time against size";
  figure.chart = {.id = "scaling",
                  .title = "Time of each method against the number of samples",
                  .x = {fmt::format("samples N, with N / {:.3g} taps",
                                    static_cast<double>(rows.back()->problem.N) /
                                        static_cast<double>(rows.back()->problem.K)),
                        short_words},
                  .y = {"time, both ears", time_words},
                  .series = series_by_contender(rows, [](const Row& row) {
                    return time_mark(static_cast<double>(row.problem.N), row);
                  })};
  std::vector<Row> copies;
  for (const Row* const row : rows) copies.push_back(*row);
  std::vector<Exponent> exponents = fit_exponents(copies);
  std::sort(exponents.begin(), exponents.end(),
            [](const Exponent& a, const Exponent& b) { return a.value > b.value; });
  figure.sentences =
      "Both axes are logarithmic, so a power of N is a straight line and its slope is the power: "
      "the definition climbs two decades for every decade of N, a fast transform little more than "
      "one. ";
  if (exponents.empty()) {
    figure.sentences +=
        "Hollow marks and dashed lines were not measured but scaled from a smaller "
        "size by counting operations.";
    return figure;
  }
  figure.sentences += "Fitted powers:";
  for (const Exponent& one : exponents) {
    figure.sentences += fmt::format("{} {} {:.2f} ± {:.2f}", &one == &exponents.front() ? "" : ",",
                                    one.contender, one.value, one.error);
  }
  figure.sentences +=
      "; hollow marks are not measured but scaled from a smaller size by counting "
      "operations.";
  return figure;
}

/// Best time of the direct methods and of the others, for each number of taps.
struct Best {
  double direct = std::numeric_limits<double>::infinity();
  double transform = std::numeric_limits<double>::infinity();
  bool is_noisy = false;  ///< who is best may be due to noise
};

/// Where the lines of direct and of other methods cross.
struct Crossing {
  double taps;
  bool is_noisy;  ///< one of the marks around it is
};

/// Taps from which on the transforms of `best` are faster, between the two sizes around it.
std::optional<Crossing> crossing(const std::map<std::int64_t, Best>& best) {
  const std::pair<const std::int64_t, Best>* before = nullptr;
  for (const auto& entry : best) {
    const double lead = std::log(entry.second.transform / entry.second.direct);
    if (before != nullptr && lead < 0) {
      const double lead_before = std::log(before->second.transform / before->second.direct);
      const double share = lead_before / (lead_before - lead);
      return Crossing{std::exp(std::log(static_cast<double>(before->first)) * (1 - share) +
                               std::log(static_cast<double>(entry.first)) * share),
                      before->second.is_noisy || entry.second.is_noisy};
    }
    before = lead >= 0 ? &entry : nullptr;
  }
  return std::nullopt;
}

/// Where transforms begin to win, among the contenders that `takes_part` lets in.
template <typename TakesPart>
std::optional<Crossing> crossing_among(const std::vector<const Row*>& rows,
                                       const TakesPart& takes_part) {
  std::map<std::int64_t, Best> best;
  const auto time_of = [&](const Row& row) -> double& {
    Best& here = best[row.problem.K];
    return find_method(row.contender).is_direct ? here.direct : here.transform;
  };
  std::vector<const Row*> taking_part;
  for (const Row* const row : rows) {
    const auto is_it = [&](const Method& method) { return method.name == row->contender; };
    if (takes_part(*row) && std::any_of(methods().begin(), methods().end(), is_it)) {
      taking_part.push_back(row);
    }
  }
  for (const Row* const row : taking_part) {
    time_of(*row) = std::min(time_of(*row), row->seconds.median);
  }
  for (const Row* const row : taking_part) {
    if (row->is_out_of_line || (row->is_noisy && row->seconds.min <= time_of(*row))) {
      best[row->problem.K].is_noisy = true;
    }
  }
  std::erase_if(best, [](const auto& entry) {
    return std::isinf(entry.second.direct) || std::isinf(entry.second.transform);
  });
  return crossing(best);
}

std::optional<Figure> crossover(const BenchReport& report) {
  std::vector<const Row*> rows = rows_by_taps(report);
  // What is scaled by counting can cross nothing.
  std::erase_if(rows, [](const Row* row) { return row->is_extrapolated; });
  if (rows.empty()) return std::nullopt;
  Figure figure;
  figure.heading = "Where the Fourier transform begins to pay";
  figure.chart = {
      .id = "crossover",
      .title = "Time of direct and Fourier methods against the number of taps",
      .x = {fmt::format("taps K, with {} samples", with_commas(rows[0]->problem.N)), short_words},
      .y = {"time, both ears", time_words},
      .series = series_by_contender(
          rows, [](const Row& row) { return time_mark(static_cast<double>(row.problem.K), row); })};
  figure.sentences =
      "The definition costs as much for each tap as for the first, a transform hardly notices "
      "them; lines that cross say from how many taps on it pays. ";
  const auto plain = crossing_among(rows, [](const Row& row) {
    return row.contender == "cpu-naive" || row.contender == "cpu-cooley-tukey";
  });
  std::string found;
  const auto note = [&](const std::optional<Crossing>& crossing, const std::string& who) {
    if (!crossing) return;
    if (!found.empty()) found += ", ";
    if (crossing->is_noisy) {
      found += who + ": not determined: noisy";
      return;
    }
    const double taps = crossing->taps;
    // Two digits: noise and the distance of the sizes allow no more.
    const double digit = std::pow(10, std::max(0.0, std::floor(std::log10(taps)) - 1));
    const auto rounded = static_cast<std::int64_t>(digit * std::round(taps / digit));
    const std::string words = fmt::format("{}: {} taps", who, with_commas(rounded));
    figure.chart.notices.push_back({taps, words});
    found += words;
  };
  note(plain, "CPU, one thread");
  for (const Processor processor : {Processor::cpu, Processor::gpu}) {
    note(crossing_among(rows, [&](const Row& row) { return row.processor == processor; }),
         processor == Processor::cpu ? "CPU, all cores" : "GPU");
  }
  figure.sentences += found.empty()
                          ? "Here one side is ahead at every number of taps that was measured."
                          : "The crossings here: " + found +
                                "; what is tuned decides where, as much as the theory does.";
  return figure;
}

std::optional<Figure> roofline(const Machine& machine, const BenchReport& report,
                               Processor processor) {
  const Peaks& peaks = processor == Processor::cpu ? report.cpu_peaks : report.peaks;
  const Problem* const problem = main_problem(report);
  if (problem == nullptr || !(peaks.flops > 0) || !(peaks.bytes_per_second > 0))
    return std::nullopt;
  Figure figure;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = peaks.flops / peaks.bytes_per_second;
  const Row* closest = nullptr;
  for (const Row* const row : rows_of(report, *problem)) {
    if (row->processor != processor || !(row->traffic.bytes > 0) || !(row->seconds.median > 0))
      continue;
    Series series = series_of(*row);
    series.line = Series::Line::none;
    const double intensity = row->operations / row->traffic.bytes;
    series.marks = {{.x = intensity,
                     .y = row->operations / row->seconds.median,
                     .is_guess = row->is_extrapolated,
                     .is_noisy = row->is_noisy,
                     .words = when_pointed_at(*row)}};
    figure.chart.series.push_back(series);
    lowest = std::min(lowest, intensity);
    highest = std::max(highest, intensity);
    if (closest == nullptr ||
        shares_of_peaks(*row, report).operations > shares_of_peaks(*closest, report).operations) {
      closest = row;
    }
  }
  if (closest == nullptr) return std::nullopt;
  const double ridge = peaks.flops / peaks.bytes_per_second;
  Series roof{.shape = Series::Shape::none};
  for (const double intensity : {std::min(lowest, ridge) / 4, ridge, highest * 4}) {
    roof.marks.push_back(
        {.x = intensity, .y = std::min(peaks.flops, intensity * peaks.bytes_per_second)});
  }
  const auto beside_roof = [&](double intensity, const std::string& words) {
    Series label{.label = words, .shape = Series::Shape::none, .line = Series::Line::none};
    label.marks = {
        {.x = intensity, .y = std::min(peaks.flops, intensity * peaks.bytes_per_second)}};
    return label;
  };
  figure.chart.series.push_back(
      beside_roof(std::sqrt(ridge * highest * 4),
                  fmt::format("{}op/s of multiply-adds", rate_words(peaks.flops))));
  figure.chart.series.push_back(
      beside_roof(std::sqrt(ridge * roof.marks.front().x),
                  fmt::format("{}B/s of copying", rate_words(peaks.bytes_per_second))));
  figure.chart.series.push_back(roof);
  const std::string where = processor == Processor::cpu ? machine.cpu : machine.gpu;
  figure.heading = "Against the ceilings of " + where;
  figure.chart.id = processor == Processor::cpu ? "roofline" : "roofline-gpu";
  figure.chart.title = "Roofline: operations per second against operations per byte";
  figure.chart.x = {processor == Processor::cpu ? "operations per byte of source and frames"
                                                : "operations per byte of device memory",
                    short_words};
  figure.chart.y = {"operations per second", rate_words};
  figure.sentences = fmt::format(
      "No method can stand above the line, which is measured here by a copy and by a chain of "
      "multiply-adds; {} comes closest, with {:.0f} % of the arithmetic for {}. A method far to "
      "the right does more arithmetic for each byte, which is not a merit: a fast transform stands "
      "to "
      "the left of the definition because it needs less, and is faster in spite of a lower rate.",
      closest->contender, 100 * shares_of_peaks(*closest, report).operations, words_of(*problem));
  return figure;
}

std::optional<Figure> error_over_size(const BenchReport& report) {
  std::vector<const Row*> rows = rows_by_size(report);
  std::erase_if(rows, [](const Row* row) { return row->is_extrapolated || !(row->error > 0); });
  if (rows.empty()) return std::nullopt;
  Figure figure;
  figure.heading = "Error against size";
  figure.chart = {.id = "error",
                  .title =
                      "Relative error of each method and its bound against the number of "
                      "samples",
                  .x = {"samples N", short_words},
                  .y = {"error E of the worse ear, in u = 2⁻²⁴", short_words},
                  .series = series_by_contender(rows, [](const Row& row) {
                    return Mark{.x = static_cast<double>(row.problem.N), .y = row.error / kUnit};
                  })};
  // Bounds differ little among direct methods and among the others: the widest of each.
  std::map<std::int64_t, double> direct, transform;
  double closest = 0;
  for (const Row* const row : rows) {
    const bool is_direct =
        std::abs(row->error_bound - direct_error_bound(row->problem.K).relative) < 1e-3 * kUnit;
    double& bound = (is_direct ? direct : transform)[row->problem.N];
    bound = std::max(bound, row->error_bound / kUnit);
    closest = std::max(closest, row->error / row->error_bound);
  }
  for (const auto& [bounds, words] :
       {std::pair{&direct, "direct bound"}, std::pair{&transform, "Fourier bound"}}) {
    Series series{.label = words, .shape = Series::Shape::none, .line = Series::Line::dashed};
    for (const auto& [N, bound] : *bounds) {
      series.marks.push_back({.x = static_cast<double>(N), .y = bound});
    }
    figure.chart.series.push_back(series);
  }
  figure.sentences = fmt::format(
      "A sum of K products loses accuracy with the square root of K, a transform only with that of "
      "a logarithm: beyond some thousand taps the fast methods are also the more accurate ones. "
      "{}, by a comparison with sums in double precision.",
      closest <= 1 ? fmt::format("Every mark lies below its bound, the closest at {:.0f} % of it",
                                 100 * closest)
                   : "SOME MARKS LIE ABOVE THEIR BOUND: these results are wrong");
  return figure;
}

}  // namespace

const Problem* main_problem(const BenchReport& report) {
  const auto measured = [&](const Row& row) {
    const std::vector<const Row*> rows = rows_of(report, row.problem);
    return std::count_if(rows.begin(), rows.end(),
                         [](const Row* one) { return !one->is_extrapolated; });
  };
  std::ptrdiff_t most = 0;
  for (const Row& row : report.rows) most = std::max(most, measured(row));
  const Row* best = nullptr;
  // A method or two that is too slow at the size that matters does not make it matter less.
  for (const Row& row : report.rows) {
    if (2 * measured(row) < most) continue;
    if (best == nullptr || product(row.problem) > product(best->problem)) best = &row;
  }
  return best == nullptr ? nullptr : &best->problem;
}

std::vector<const Row*> rows_of(const BenchReport& report, const Problem& problem) {
  std::vector<const Row*> rows;
  for (const Row& row : report.rows) {
    if (row.problem.N == problem.N && row.problem.K == problem.K &&
        row.problem.clips == problem.clips) {
      rows.push_back(&row);
    }
  }
  return rows;
}

std::string with_commas(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), 1, ',');
  }
  return digits;
}

std::string words_of(const Problem& problem) {
  const std::string size =
      fmt::format("{} samples × {} taps", with_commas(problem.N), with_commas(problem.K));
  return problem.clips == 1 ? size : fmt::format("{} × {} clips", size, with_commas(problem.clips));
}

std::vector<Figure> figures_of(const Machine& machine, const BenchReport& report) {
  std::vector<Figure> figures;
  for (std::optional<Figure>& figure : std::vector{
           time_over_size(report), crossover(report), roofline(machine, report, Processor::cpu),
           roofline(machine, report, Processor::gpu), error_over_size(report)}) {
    if (figure) figures.push_back(std::move(*figure));
  }
  return figures;
}

}  // namespace gpuconv
