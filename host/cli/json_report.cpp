#include "host/cli/json_report.hpp"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "host/audio/levels.hpp"
#include "host/cli/cli.hpp"
#include "host/error.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no minus infinity: silence has no level.
Json level_or_null(float peak) { return peak > 0 ? Json(dbfs(peak)) : Json(nullptr); }

Json ear(Side side, const JobReport& report) {
  const Level& level = report.written.levels[side];
  return {{"peak", level.peak},
          {"peak_dbfs", level_or_null(level.peak)},
          {"over_full_scale", level.over},
          {"clipped", report.written.clipped[side]}};
}

Json stages(const JobReport& report) {
  Json result = Json::object();
  for (const StageTime& stage : report.render.stages) result[stage.stage] = stage.seconds;
  return result;
}

Json to_json(const Job& job, const JobReport& report) {
  Json json{{"gpuconv", version()}};
  json["source"] = {{"file", job.input},
                    {"samples", report.source_samples},
                    {"rate", report.source.rate},
                    {"replaced_samples", report.replaced_samples}};
  json["response"] = {{"file", job.response},
                      {"description", report.response_description},
                      {"file_taps", report.response_file_taps},
                      {"file_rate", report.response_rate},
                      {"taps", report.response_taps}};
  json["method"] = {{"name", report.choice.method->name}, {"why", report.choice.why}};
  const auto& device = report.choice.device;
  json["device"] =
      device ? Json{{"place", "cuda:" + std::to_string(device->index)}, {"name", device->name}}
             : Json{{"place", "cpu"}};
  if (!report.why_fallback.empty()) json["device"]["why_fallback"] = report.why_fallback;
  json["gain_db"] = job.gain_db;
  if (report.norm_gain_db) json["norm_gain_db"] = *report.norm_gain_db;
  if (job.verify) json["verified_samples"] = report.verified_samples;
  if (job.dry_run) return json;
  json["output"] = {{"file", job.output},
                    {"frames", report.written.frames},
                    {"container", report.written.container},
                    {"bits", report.format.bits},
                    {"encoding", report.format.encoding == Encoding::pcm ? "pcm" : "float"},
                    {"dithered", report.format.is_dithered},
                    {"bytes", report.written.bytes}};
  json["left"] = ear(Side::left, report);
  json["right"] = ear(Side::right, report);
  json["seconds"] = report.seconds;
  if (device) json["gpu_start_seconds"] = report.gpu_start_seconds;
  json["convolve_seconds"] = report.convolve_seconds;
  json["stage_seconds"] = stages(report);
  return json;
}

}  // namespace

std::unique_ptr<OutputFile> open_beside(const std::string& option, const std::string& path,
                                        const Job& job) {
  for (const std::string& file : {job.input, job.response, job.output}) {
    std::error_code ignored;
    const auto canonical = std::filesystem::weakly_canonical(file, ignored);
    if (canonical == std::filesystem::weakly_canonical(path, ignored)) {
      throw UsageError(option + " " + path + ": the report would replace " + file);
    }
  }
  return std::make_unique<OutputFile>(path, OutputOptions{false, {job.input, job.response}});
}

JsonReport::JsonReport(const std::string& path, const Job& job) {
  if (path != "-") {
    file_ = open_beside("--json", path, job);
  } else if (job.output == "-") {
    throw UsageError("--json -: standard output takes the frames already");
  }
}

void JsonReport::write(const Job& job, const JobReport& report) {
  // File names need not be UTF-8; JSON must be.
  const std::string text =
      to_json(job, report).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (file_) {
    file_->write(std::as_bytes(std::span(text)));
    file_->publish();
    return;
  }
  std::cout << text << std::flush;
  if (!std::cout) throw FileError("standard output", "the report could not be written");
}

}  // namespace gpuconv
