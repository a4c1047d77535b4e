#include "host/cli/job_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/base/levels.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {
namespace {

void warn_of_repairs(const std::string& path, const Repairs& repairs, const char* noun) {
  if (!repairs.shortfall.empty()) print_message("warning", path + ": " + repairs.shortfall);
  if (repairs.replaced > 0) {
    print_message("warning",
                  fmt::format("{}: {} {}{} NaN or infinite and now 0", path, repairs.replaced, noun,
                              repairs.replaced == 1 ? " was" : "s were"));
  }
}

float highest_peak(const WriteReport& written) {
  return std::max(written.levels.left.peak, written.levels.right.peak);
}

/// The outputs that are there.
std::vector<const WriteReport*> files_of(const JobReport& report) {
  std::vector<const WriteReport*> files;
  if (report.written) files.push_back(&*report.written);
  for (const JobReport::StretchReport& one : report.stretches) {
    if (one.written) files.push_back(&*one.written);
  }
  for (const VoiceReport& voice : report.voices) {
    if (voice.stem) files.push_back(&*voice.stem);
  }
  return files;
}

float highest_peak(const JobReport& report) {
  float peak = 0;
  for (const WriteReport* const file : files_of(report)) peak = std::max(peak, highest_peak(*file));
  return peak;
}

bool has_clipped(const WriteReport& file) { return file.clipped.left + file.clipped.right > 0; }

bool has_overs(const WriteReport& file) {
  return file.levels.left.over + file.levels.right.over > 0;
}

/// `enough` is the option that avoids it.
void print_level_warning(const std::string& output, const WriteReport& file, Channels channels,
                         const std::string& enough) {
  const std::string peak = tenths(dbfs(highest_peak(file)));
  if (has_clipped(file)) {
    const std::int64_t both = file.clipped.left + file.clipped.right;
    const std::string each =
        channels == Channels::both
            ? fmt::format(" (left {}, right {})", file.clipped.left, file.clipped.right)
            : "";
    print_message("warning",
                  fmt::format("{}: {} sample{} clipped{}, peak {} dBFS; use {} or a float output",
                              output, both, both == 1 ? "" : "s", each, peak, enough));
  } else if (has_overs(file)) {
    print_message("warning", fmt::format("{}: peak {} dBFS: this file keeps it, but players will "
                                         "clip; {} avoids that",
                                         output, peak, enough));
  }
}

}  // namespace

void print_warnings(const Job& job, const JobReport& report) {
  if (!report.why_fallback.empty()) {
    print_message("warning", report.why_fallback + "; done on the CPU (--fallback cpu)");
  }
  if (const std::size_t older = report.older_outputs.size(); older == 1) {
    print_message("warning", fmt::format("{}: is not of this run, which left it as it was; remove "
                                         "it if it belongs to an older {}",
                                         report.older_outputs.front(), job.output));
  } else if (older > 1) {
    print_message("warning", fmt::format("{} and {} more: are not of this run, which left them as "
                                         "they were; remove those that belong to an older {}",
                                         report.older_outputs.front(), older - 1, job.output));
  }
  for (const std::string& warning : report.warnings) print_message("warning", warning);
  if (!report.calibration_warning.empty()) print_message("warning", report.calibration_warning);
  const auto warn_of_response = [](const std::string& path, const ResponseReport& response,
                                   const std::string& voice) {
    warn_of_repairs(voice + path, response.repairs, "tap");
    for (const std::string& warning : response.warnings) {
      print_message("warning", voice + path + ": " + warning);
    }
  };
  if (!job.scene) {
    warn_of_repairs(job.input, report.source.repairs, "sample");
    warn_of_response(job.response, report.response, "");
  }
  for (std::size_t v = 0; v < report.voices.size(); ++v) {
    const VoiceRequest& voice = job.scene->voices[v];
    warn_of_repairs(voice.name, report.voices[v].source.repairs, "sample");
    warn_of_response(voice.response, report.voices[v].response, voice.name + ": ");
  }
  if (report.then) warn_of_response(job.then, *report.then, "");
  if (report.noise) warn_of_repairs(job.noise->file, report.noise->repairs, "sample");
  if (report.noise && !report.noise->gain_db) {
    print_message("warning", job.output +
                                 ": --noise: the wet sound is silent, so no noise has the "
                                 "ratio that --snr asks for; none was added");
  }
  if (job.level && report.written && highest_peak(report) == 0) {
    print_message("warning", fmt::format("{}: {}: the result is silent, nothing to scale",
                                         job.output, job.level->option));
  }
}

double right_level(const Job& job, const JobReport& report) {
  const double peak = dbfs(highest_peak(report));
  // Rounded down to a tenth that is enough, dither included. --level has the last word.
  return std::floor(10 * ((job.level ? job.level->level : job.mix.gain_db) - peak) - 0.01) / 10;
}

std::string level_option(const Job& job, double level) {
  if (job.level && job.level->option == "--norm") return fmt::format("--norm={:.1f}", level);
  if (job.level) return fmt::format("--level {}={:.1f}", name(job.level->kind), level);
  return std::abs(level) > kMostDecibels ? "--norm" : fmt::format("--gain {:.1f}", level);
}

void print_level_warning(const Job& job, const JobReport& report) {
  if (!report.written) return;
  const std::string enough = level_option(job, right_level(job, report));
  const Channels channels = job.format.channels;
  print_level_warning(job.output, *report.written, channels, enough);
  for (std::size_t i = 0; i < report.stretches.size(); ++i) {
    print_level_warning(stretch_output(job.output, job.stretches[i].stretch),
                        *report.stretches[i].written, channels, enough);
  }
  for (std::size_t v = 0; v < report.voices.size(); ++v) {
    // Of what a player will clip, OUTPUT has told enough.
    if (!report.voices[v].stem || !has_clipped(*report.voices[v].stem)) continue;
    print_level_warning(stem_output(job.output, job.scene->voices[v].id), *report.voices[v].stem,
                        channels, enough);
  }
}

bool has_clipped(const JobReport& report) { return clipped_samples(report) > 0; }

bool has_overs(const JobReport& report) {
  return std::ranges::any_of(files_of(report), [](auto file) { return has_overs(*file); });
}

}  // namespace gpuconv
