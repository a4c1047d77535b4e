#include "host/bench/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/duration.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kUnit = 0x1p-24;

Json json_of(const Statistics& statistics) {
  return {{"median", statistics.median}, {"min", statistics.min},   {"max", statistics.max},
          {"low", statistics.low},       {"high", statistics.high}, {"runs", statistics.runs}};
}

Json json_of(const TimerControl& control) {
  return {{"empty_seconds", control.empty},
          {"asked_seconds", control.asked},
          {"shortest_seconds", control.shortest},
          {"median_seconds", control.median},
          {"is_trustworthy", control.is_trustworthy()}};
}

Json json_of(const Row& row) {
  Json json{{"problem", row.problem.name},
            {"samples", row.problem.N},
            {"taps", row.problem.K},
            {"clips", row.problem.clips},
            {"method", row.contender},
            {"place", row.place == Place::cpu ? "cpu" : "gpu"},
            {"seconds", json_of(row.seconds)},
            {"cold_seconds", row.cold ? json_of(*row.cold) : Json(nullptr)},
            {"plan_seconds", row.plan_seconds},
            {"first_seconds", row.first_seconds},
            {"ratio_to_first", json_of(row.ratio)},
            {"operations", row.operations},
            {"bytes", row.traffic.bytes},
            {"launches", row.traffic.launches},
            {"operations_per_second", row.operations / row.seconds.median},
            {"error", row.error},
            {"error_bound", row.error_bound},
            {"is_right", row.is_right},
            {"is_noisy", row.is_noisy},
            {"is_extrapolated", row.is_extrapolated}};
  if (row.is_extrapolated) {
    json["measured"] = {{"samples", row.measured.N}, {"taps", row.measured.K}};
  }
  return json;
}

std::string size_of(const Problem& problem) {
  const std::string size = fmt::format("{} x {}", problem.N, problem.K);
  return problem.clips == 1 ? size : fmt::format("{} x {}", problem.clips, size);
}

std::string cell(const Statistics& seconds) {
  return fmt::format("{} ({} to {})", duration(seconds.median), duration(seconds.min),
                     duration(seconds.max));
}

std::string remarks(const Row& row) {
  std::string text;
  const auto add = [&](const std::string& remark) { text += (text.empty() ? "" : "; ") + remark; };
  if (!row.is_right) add("WRONG RESULT");
  if (row.is_extrapolated) add("extrapolated from " + size_of(row.measured));
  if (row.is_noisy) add(fmt::format("noisy: ±{:.0f} %", 100 * row.seconds.uncertainty()));
  return text;
}

std::string about(const TimerControl& control) {
  return fmt::format("nothing took {}, a loop of {} took {} ({} at best)", duration(control.empty),
                     duration(control.asked), duration(control.median), duration(control.shortest));
}

}  // namespace

Machine this_machine(const std::string& program, const std::optional<Device>& device) {
  return {program, machine_name(Place::cpu, std::nullopt), device ? device->name : ""};
}

std::string to_json(const Machine& machine, const BenchReport& report) {
  Json json{{"gpuconv", machine.program},
            {"cpu", machine.cpu},
            {"gpu", machine.gpu.empty() ? Json(nullptr) : Json(machine.gpu)},
            {"timer", {{"before", json_of(report.before)}, {"after", json_of(report.after)}}},
            {"peaks",
             {{"flops", report.peaks.flops}, {"bytes_per_second", report.peaks.bytes_per_second}}},
            {"rows", Json::array()},
            {"not_here", Json::array()}};
  for (const Row& row : report.rows) json["rows"].push_back(json_of(row));
  for (const Absence& absence : report.not_here) {
    json["not_here"].push_back(
        {{"method", absence.contender}, {"problem", absence.problem}, {"reason", absence.reason}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_csv(const BenchReport& report) {
  std::string text =
      "problem,samples,taps,clips,method,place,median_s,min_s,max_s,low_s,high_s,runs,"
      "cold_median_s,plan_s,ratio,operations,bytes,error,error_bound,is_right,is_noisy,"
      "is_extrapolated\n";
  for (const Row& row : report.rows) {
    const Statistics& s = row.seconds;
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                    row.problem.name, row.problem.N, row.problem.K, row.problem.clips,
                    row.contender, row.place == Place::cpu ? "cpu" : "gpu", s.median, s.min, s.max,
                    s.low, s.high, s.runs, row.cold ? fmt::format("{}", row.cold->median) : "",
                    row.plan_seconds, row.ratio.median, row.operations, row.traffic.bytes,
                    row.error, row.error_bound, row.is_right, row.is_noisy, row.is_extrapolated);
  }
  return text;
}

std::string to_markdown(const Machine& machine, const BenchReport& report) {
  std::string text =
      "| problem | method | both ears, median (min to max) | cold | of first | planning | Gop/s | "
      "error / bound, u | remarks |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : report.rows) {
    text +=
        fmt::format("| {}: {} | `{}` | {} | {} | {:.3g} | {} | {:.3g} | {:.3g} / {:.3g} | {} |\n",
                    row.problem.name, size_of(row.problem), row.contender, cell(row.seconds),
                    row.cold ? duration(row.cold->median) : "–", row.ratio.median,
                    duration(row.plan_seconds), 1e-9 * row.operations / row.seconds.median,
                    row.error / kUnit, row.error_bound / kUnit, remarks(row));
  }
  text += fmt::format(
      "\n{}{}; gpuconv {}. Planned, in memory; u = 2^-24. The timer: {} before, {} "
      "after.{}\n",
      machine.cpu, machine.gpu.empty() ? "" : ", " + machine.gpu, machine.program,
      about(report.before), about(report.after),
      report.before.is_trustworthy() && report.after.is_trustworthy()
          ? ""
          : " NOT TO BE TRUSTED: the machine was too busy to measure on.");
  for (const Absence& absence : report.not_here) {
    text +=
        fmt::format("Not here: {}, {}: {}\n", absence.contender, absence.problem, absence.reason);
  }
  return text;
}

}  // namespace gpuconv
