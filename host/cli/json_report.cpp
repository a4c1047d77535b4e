#include "host/cli/json_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "host/base/levels.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/cli/side_files.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no minus infinity: silence has no level.
Json level_or_null(float peak) { return peak > 0 ? Json(dbfs(peak)) : Json(nullptr); }

Json ear(Side side, const WriteReport& written) {
  const Level& level = written.levels[side];
  return {{"peak", level.peak},
          {"peak_dbfs", level_or_null(level.peak)},
          {"over_full_scale", level.over},
          {"clipped", written.clipped[side]}};
}

/// The channels of a file, by their names.
void add_channels(Json& json, Channels channels, const WriteReport& written) {
  if (channels == Channels::both) {
    json["left"] = ear(Side::left, written);
    json["right"] = ear(Side::right, written);
  } else {
    json[name(channels)] = ear(Side::left, written);
  }
}

void add(Json& json, const Repairs& repairs, const char* noun) {
  json[std::string("replaced_") + noun] = repairs.replaced;
  if (!repairs.shortfall.empty()) json["shortfall"] = repairs.shortfall;
  if (!repairs.remark.empty()) json["remark"] = repairs.remark;
}

Json source_of(const std::string& file, const SourceReport& source) {
  Json json{{"file", file}, {"samples", source.samples}, {"rate", source.rate}};
  if (source.has_more_samples) json["has_more_samples"] = true;
  add(json, source.repairs, "samples");
  return json;
}

Json response_of(const std::string& file, const ResponseReport& response, const Job& job) {
  Json json{{"file", file},
            {"description", response.description},
            {"file_taps", response.file_taps},
            {"file_rate", response.file_rate},
            {"taps", response.taps},
            {"direct_sound_frames", response.direct_sound},
            {"is_aligned", job.align == Align::direct}};
  if (response.unit_energy_gain_db) json["unit_energy_gain_db"] = *response.unit_energy_gain_db;
  if (response.movement) {
    json["movement"] = {{"directions", response.movement->directions},
                        {"stretches", response.movement->stretches}};
    if (!job.head.empty()) json["movement"]["head"] = job.head;
    if (!job.trajectory.empty()) json["movement"]["trajectory"] = job.trajectory;
  }
  add(json, response.repairs, "taps");
  if (!response.warnings.empty()) json["warnings"] = response.warnings;
  return json;
}

Json level_of(const SoundLevel& level) {
  return {{"peak_dbfs", level_or_null(static_cast<float>(level.peak))},
          {"rms_dbfs", level_or_null(static_cast<float>(level.rms))}};
}

Json voice_of(const Job& job, const VoiceRequest& voice, const VoiceReport& report) {
  Json json{{"id", voice.id}, {"start", voice.start}, {"gain_db", voice.gain_db}};
  json["source"] = source_of(voice.input, report.source);
  if (voice.channel) json["source"]["channel"] = *voice.channel;
  json["source"]["file_rate"] = report.source_rate;
  if (report.level) json["source"].update(level_of(*report.level));
  json["response"] = response_of(voice.response, report.response, job);
  if (!voice.trajectory.empty()) json["response"]["movement"]["trajectory"] = voice.trajectory;
  if (const auto& direction = report.response.direction) {
    json["response"]["azimuth"] = direction->azimuth;
    json["response"]["elevation"] = direction->elevation;
  }
  if (report.stem) {
    json["stem"] = {{"file", stem_output(job.output, voice.id)}};
    json["stem"].update(level_of(*report.at_ears));
    add_channels(json["stem"], job.format.channels, *report.stem);
  }
  return json;
}

void add_scene(Json& json, const Job& job, const JobReport& report) {
  json["scene"] = {{"file", job.scene->file},
                   {"samples", report.source.samples},
                   {"rate", report.source.rate},
                   {"passes", report.passes}};
  if (report.source.has_more_samples) json["scene"]["has_more_samples"] = true;
  Json& voices = json["voices"] = Json::array();
  for (std::size_t v = 0; v < report.voices.size(); ++v) {
    voices.push_back(voice_of(job, job.scene->voices[v], report.voices[v]));
  }
}

Json to_json(const Job& job, const JobReport& report) {
  Json json{{"gpuconv", version()}};
  if (job.scene) {
    add_scene(json, job, report);
  } else {
    json["source"] = source_of(job.input, report.source);
    json["response"] = response_of(job.response, report.response, job);
  }
  if (report.routing) {
    json["routing"] = {{"name", report.routing->name}};
    Json& routes = json["routing"]["routes"] = Json::array();
    for (const Route& route : report.routing->routes) {
      routes.push_back({{"channel", route.channel}, {"left", route.left}, {"right", route.right}});
      if (!route.name.empty()) routes.back()["loudspeaker"] = route.name;
      if (route.unit_energy_gain_db) {
        routes.back()["unit_energy_gain_db"] = *route.unit_energy_gain_db;
      }
    }
  }
  if (report.routing && !report.routing->input_not_heard.empty()) {
    json["routing"]["input_not_heard"] = report.routing->input_not_heard;
  }
  if (report.routing && !report.routing->response_not_heard.empty()) {
    json["routing"]["response_not_heard"] = report.routing->response_not_heard;
  }
  if (report.then) json["then"] = response_of(job.then, *report.then, job);
  if (!report.warnings.empty()) json["warnings"] = report.warnings;
  json["method"] = {{"name", report.choice.method->name}, {"why", report.choice.why}};
  const auto& device = report.choice.device;
  json["device"] =
      device ? Json{{"place", "cuda:" + std::to_string(device->index)}, {"name", device->name}}
             : Json{{"place", "cpu"}};
  if (!report.calibration_warning.empty()) {
    json["method"]["calibration_warning"] = report.calibration_warning;
  }
  if (!report.why_fallback.empty()) json["device"]["why_fallback"] = report.why_fallback;
  if (job.drawn) {
    json["draw"] = {{"seed", job.drawn->seed},
                    {"key", fmt::format("{:016x}", job.drawn->key)},
                    {"copy", job.drawn->copy}};
    if (job.drawn->measurement) json["draw"]["measurement"] = *job.drawn->measurement;
  }
  json["gain_db"] = job.mix.gain_db;
  if (job.noise) {
    Json& noise = json["noise"];
    noise = {{"file", job.noise->file}, {"snr_db", job.noise->snr_db}};
    if (report.noise) {
      noise["start_seconds"] = report.noise->start_seconds;
      noise["gain_db"] = report.noise->gain_db ? Json(*report.noise->gain_db) : Json(nullptr);
      noise["rate"] = report.noise->file_rate;
      noise["channels"] = report.noise->channels;
      noise["is_looped"] = report.noise->is_looped;
      add(noise, report.noise->repairs, "samples");
    }
  }
  if (job.level) {
    json["level"] = {{"kind", name(job.level->kind)}, {"target", job.level->level}};
    if (report.level_gain_db) json["level"]["gain_db"] = *report.level_gain_db;
  }
  if (job.verify) json["verified_samples"] = report.verified_samples;
  if (!report.written) {  // a dry run
    json["outputs"] = outputs_of(job);
    return json;
  }
  if (!report.older_outputs.empty()) json["older_outputs"] = report.older_outputs;
  const FileFormat& format = report.written->format;
  json["output"] = {{"file", job.output},
                    {"frames", report.written->frames},
                    {"rate", job.output_rate.value_or(report.source.rate)},
                    {"channels", name(job.format.channels)},
                    {"container", report.written->container},
                    {"encoding", name(format.encoding)},
                    {"dithered", format.is_dithered},
                    {"bytes", report.written->bytes}};
  if (format.encoding != Encoding::vorbis) json["output"]["bits"] = format.bits;
  add_channels(json, job.format.channels, *report.written);
  for (std::size_t i = 0; i < report.stretches.size(); ++i) {
    const auto& [stretch, milliseconds] = job.stretches[i];
    Json& part = json[std::string(name(stretch))];
    part = {{"file", stretch_output(job.output, stretch)},
            {"milliseconds", milliseconds},
            {"taps", report.stretches[i].taps}};
    add_channels(part, job.format.channels, *report.stretches[i].written);
  }
  json["seconds"] = report.seconds;
  if (device) json["gpu_start_seconds"] = report.gpu_start_seconds;
  json["convolve_seconds"] = report.convolve_seconds;
  Json& stages = json["stage_seconds"] = Json::object();
  for (const StageTime& stage : report.render.stages) stages[stage.stage] = stage.seconds;
  return json;
}

}  // namespace

// File names need not be UTF-8; JSON must be.
std::string json_of(const Job& job, const JobReport& report) {
  return to_json(job, report).dump(2, ' ', false, Json::error_handler_t::replace);
}

JsonReport::JsonReport(const std::string& path, const Job& job) {
  if (path != "-") {
    file_ = open_beside("--json", path, job);
  }
}

void JsonReport::write(const Job& job, const JobReport& report) {
  const std::string text = json_of(job, report) + "\n";
  if (file_) {
    file_->write(std::as_bytes(std::span(text)));
    file_->publish();
    return;
  }
  write_output(text);
}

}  // namespace gpuconv
