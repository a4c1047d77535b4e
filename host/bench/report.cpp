#include "host/bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/base/duration.hpp"
#include "host/bench/exponent.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

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

Json json_of(const Peaks& peaks) {
  return {{"flops", peaks.flops},
          {"bytes_per_second", peaks.bytes_per_second},
          {"upload_bytes_per_second", peaks.upload_bytes_per_second},
          {"download_bytes_per_second", peaks.download_bytes_per_second}};
}

Json json_of(const Exponent& exponent) {
  return {{"method", exponent.contender},  {"exponent", exponent.value}, {"error", exponent.error},
          {"from_samples", exponent.from}, {"to_samples", exponent.to},  {"sizes", exponent.sizes}};
}

Json json_of(const Row& row, const Shares& shares) {
  Json json{{"problem", row.problem.name},
            {"samples", row.problem.N},
            {"taps", row.problem.K},
            {"clips", row.problem.clips},
            {"method", row.contender},
            {"place", row.processor == Processor::cpu ? "cpu" : "gpu"},
            {"seconds", json_of(row.seconds)},
            {"cold_seconds", row.cold ? json_of(*row.cold) : Json(nullptr)},
            {"plan_seconds", row.plan_seconds},
            {"first_seconds", row.first_seconds},
            {"ratio_to_first", json_of(row.ratio)},
            {"operations", row.operations},
            {"bytes", row.traffic.bytes},
            {"launches", row.traffic.launches},
            {"operations_per_second", row.operations / row.seconds.median},
            {"share_of_peak_operations", shares.operations},
            {"share_of_peak_bytes", shares.bytes},
            {"error", row.error},
            {"error_bound", row.error_bound},
            {"is_right", row.is_right},
            {"is_noisy", row.is_noisy},
            {"is_out_of_line", row.is_out_of_line},
            {"is_extrapolated", row.is_extrapolated}};
  if (row.is_extrapolated) {
    json["measured"] = {
        {"samples", row.measured.N}, {"taps", row.measured.K}, {"clips", row.measured.clips}};
  }
  return json;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A list has a line for each of its items.
std::string lines_of(const Json& json) {
  if (!json.is_array() || json.empty()) return line_of(json);
  std::string text;
  for (const Json& item : json) text += (text.empty() ? "[\n  " : ",\n  ") + line_of(item);
  return text + "\n ]";
}

std::string size_of(const Problem& problem) {
  const std::string size = fmt::format("{} x {}", problem.N, problem.K);
  return problem.clips == 1 ? size : fmt::format("{} x {}", problem.clips, size);
}

std::string cell(const Statistics& seconds) {
  return fmt::format("{} ({} to {})", duration(seconds.median), duration(seconds.min),
                     duration(seconds.max));
}

std::string about(const Peaks& peaks) {
  return fmt::format("{:.3g} Gop/s of fused multiply-adds, {:.3g} GB/s of copying",
                     1e-9 * peaks.flops, 1e-9 * peaks.bytes_per_second);
}

std::string about(const TimerControl& control) {
  return fmt::format("nothing took {}, a loop of {} took {} ({} at best)", duration(control.empty),
                     duration(control.asked), duration(control.median), duration(control.shortest));
}

const char* name_of(Skipped::Kind kind) {
  switch (kind) {
    case Skipped::Kind::limit:
      return "limit";
    case Skipped::Kind::slower:
      return "slower";
    case Skipped::Kind::error:
      break;
  }
  return "error";
}

}  // namespace

std::string remarks(const Row& row, const BenchReport& report) {
  std::string text;
  const auto add = [&](const std::string& remark) { text += (text.empty() ? "" : "; ") + remark; };
  if (!row.is_right) add("WRONG RESULT");
  if (report.is_emulated) add("meaningless: emulated");
  if (row.is_extrapolated) add("extrapolated from " + size_of(row.measured));
  if (row.is_out_of_line) {
    add("noisy: out of line with other sizes");
  } else if (row.is_noisy) {
    add(fmt::format("noisy: ±{:.0f} %", 100 * row.seconds.uncertainty()));
  }
  return text;
}

std::string when(const BenchReport& report) {
  std::string date = report.date.substr(0, 16);
  std::replace(date.begin(), date.end(), 'T', ' ');
  return fmt::format("{} UTC; load {:.1f} before, {:.1f} after, {} cores", date, report.load_before,
                     report.load_after, report.cores);
}

std::string percent(double share) {
  if (!(share > 0)) return "–";
  return share < 0.1 ? fmt::format("{:.2g} %", 100 * share) : fmt::format("{:.0f} %", 100 * share);
}

Machine this_machine(const std::string& program, const std::optional<Device>& device) {
  return {program, machine_name(Processor::cpu, std::nullopt), device ? device->name : ""};
}

std::string to_json(const Machine& machine, const BenchReport& report) {
  Json json{
      {"gpuconv", machine.program},
      {"cpu", machine.cpu},
      {"gpu", machine.gpu.empty() ? Json(nullptr) : Json(machine.gpu)},
      {"date", report.date},
      {"load",
       {{"before", report.load_before}, {"after", report.load_after}, {"cores", report.cores}}},
      {"emulated", report.is_emulated},
      {"timer", {{"before", json_of(report.before)}, {"after", json_of(report.after)}}},
      {"cpu_peaks", json_of(report.cpu_peaks)},
      {"peaks", json_of(report.peaks)},
      {"exponents", Json::array()},
      {"rows", Json::array()},
      {"not_here", Json::array()}};
  for (const Exponent& exponent : fit_exponents(report.rows)) {
    json["exponents"].push_back(json_of(exponent));
  }
  for (const Row& row : report.rows) {
    json["rows"].push_back(json_of(row, shares_of_peaks(row, report)));
  }
  for (const Skipped& skipped : report.not_here) {
    json["not_here"].push_back({{"method", skipped.contender},
                                {"problem", skipped.problem},
                                {"kind", name_of(skipped.kind)},
                                {"reason", skipped.reason}});
  }
  std::string text;
  for (const auto& [key, value] : json.items()) {
    text += fmt::format("{}\n \"{}\": {}", text.empty() ? "{" : ",", key, lines_of(value));
  }
  return text + "\n}\n";
}

std::string to_markdown(const Machine& machine, const BenchReport& report) {
  std::string text =
      "| problem | method | both ears, median (min to max) | cold | of first | planning | Gop/s | "
      "of peak | of copy | error / bound, u | remarks |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : report.rows) {
    const Shares shares = shares_of_peaks(row, report);
    text += fmt::format(
        "| {}: {} | `{}` | {} | {} | {:.3g} | {} | {:.3g} | {} | {} | {:.3g} / {:.3g} | {} |\n",
        row.problem.name, size_of(row.problem), row.contender, cell(row.seconds),
        row.cold ? duration(row.cold->median) : "–", row.ratio.median, duration(row.plan_seconds),
        1e-9 * row.operations / row.seconds.median, percent(shares.operations),
        percent(shares.bytes), row.error / kUnit, row.error_bound / kUnit, remarks(row, report));
  }
  text += fmt::format(
      "\n{}{}; gpuconv {}; {}.{} Planned, in memory; u = 2^-24. The timer: {} before, {} "
      "after.{}\n",
      machine.cpu, machine.gpu.empty() ? "" : ", " + machine.gpu, machine.program, when(report),
      report.is_emulated ? " ALL TIMES ARE MEANINGLESS: the GPU is emulated." : "",
      about(report.before), about(report.after),
      report.before.is_trustworthy() && report.after.is_trustworthy()
          ? ""
          : " NOT TO BE TRUSTED: the machine was too busy to measure on.");
  if (report.cpu_peaks.flops > 0) {
    text += fmt::format("Measured peaks of the CPU, all cores: {}.\n", about(report.cpu_peaks));
  }
  if (report.peaks.flops > 0) {
    text += fmt::format("Measured peaks of the GPU: {}; {:.3g} GB/s to it, {:.3g} GB/s from it.\n",
                        about(report.peaks), 1e-9 * report.peaks.upload_bytes_per_second,
                        1e-9 * report.peaks.download_bytes_per_second);
  }
  for (const Exponent& exponent : fit_exponents(report.rows)) {
    text += fmt::format("{}: time grows as N^{:.2f} (±{:.2f}), fitted to {} sizes from {} to {}.\n",
                        exponent.contender, exponent.value, exponent.error, exponent.sizes,
                        exponent.from, exponent.to);
  }
  for (const Skipped& skipped : report.not_here) {
    text +=
        fmt::format("Not here: {}, {}: {}\n", skipped.contender, skipped.problem, skipped.reason);
  }
  return text;
}

}  // namespace gpuconv
