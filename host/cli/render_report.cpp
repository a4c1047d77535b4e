#include "host/cli/render_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "host/base/levels.hpp"
#include "host/base/parallel.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"

namespace gpuconv {
namespace {

std::string seconds_of(std::int64_t samples, int rate) {
  return fmt::format("{:.2f} s", static_cast<double>(samples) / rate);
}

std::string place_of(const Choice& choice) {
  if (choice.device) {
    return fmt::format("cuda:{} ({})", choice.device->index, choice.device->name);
  }
  const int cores = choice.method->takes_all_cores ? core_count() : 1;
  return cores == 1 ? "CPU, one core" : fmt::format("CPU, {} cores", cores);
}

void print_remark(const Repairs& repairs, bool is_verbose) {
  if (is_verbose && !repairs.remark.empty()) say("          {}\n", repairs.remark);
}

/// Voices that are printed without -v.
constexpr std::size_t kMostVoices = 16;

std::string words_of(const SoundLevel& level) {
  return fmt::format("peak {} dBFS, rms {} dBFS", tenths(dbfs(level.peak)),
                     tenths(dbfs(level.rms)));
}

std::size_t voices_to_print(const JobReport& report, bool is_verbose) {
  const std::size_t count = report.voices.size();
  return is_verbose || count <= kMostVoices ? count : kMostVoices;
}

void print_more_voices(const JobReport& report, std::size_t printed) {
  if (printed == report.voices.size()) return;
  say("          and {} more; -v names them\n", report.voices.size() - printed);
}

void print_response(const char* head, const std::string& path, const ResponseReport& response,
                    int rate, bool is_verbose) {
  say("{:<9} {}: {}\n", head, one_line(path), one_line(response.description));
  print_remark(response.repairs, is_verbose);
  if (response.file_rate == rate) return;
  say("          converted from {} to {} Hz: {} taps, scaled by {:.4f}\n", response.file_rate, rate,
      response.taps, static_cast<double>(response.file_rate) / rate);
}

/// Prints the gain of each response, if --unit-energy was asked for.
void print_unit_energy(const std::vector<std::optional<double>>& gains) {
  std::string words;
  for (const std::optional<double>& gain : gains) {
    if (!gain) return;
    words += fmt::format("{}{:+.2f}", words.empty() ? "" : ", ", *gain);
  }
  say("          {} dB to unit energy\n", words);
}

void print_voice(const VoiceRequest& voice, const VoiceReport& report, std::size_t number, int rate,
                 bool is_verbose) {
  const SourceReport& source = report.source;
  say("{:<9} {}{}: {}{} samples, {} from {:.2f} s on{}{}\n", fmt::format("voice {}", number),
      one_line(voice.input), voice.channel ? fmt::format(", channel {}", *voice.channel) : "",
      source.has_more_samples ? "at least " : "", source.samples,
      seconds_of(source.samples, source.rate), voice.start,
      voice.gain_db == 0 ? "" : fmt::format(", {:+.1f} dB", voice.gain_db),
      report.level ? ", " + words_of(*report.level) : "");
  print_remark(source.repairs, is_verbose);
  if (report.source_rate != rate) {
    say("          converted from {} to {} Hz\n", report.source_rate, rate);
  }
  print_response("", voice.response, report.response, rate, is_verbose);
  print_unit_energy({report.response.unit_energy_gain_db});
}

void print_scene(const Job& job, const JobReport& report, bool is_verbose) {
  const int rate = report.source.rate;
  say("scene     {}: {} voice{}, {}{} at {} Hz\n", one_line(job.scene->file), report.voices.size(),
      report.voices.size() == 1 ? "" : "s", report.source.has_more_samples ? "at least " : "",
      seconds_of(report.source.samples, rate), rate);
  const std::size_t printed = voices_to_print(report, is_verbose);
  for (std::size_t v = 0; v < printed; ++v) {
    print_voice(job.scene->voices[v], report.voices[v], v + 1, rate, is_verbose);
  }
  print_more_voices(report, printed);
}

void print_source_and_response(const Job& job, const JobReport& report, bool is_verbose) {
  const int rate = report.source.rate;
  say("source    {}: {}{} samples, {} at {} Hz\n", one_line(job.input),
      report.source.has_more_samples ? "at least " : "", report.source.samples,
      seconds_of(report.source.samples, rate), rate);
  print_remark(report.source.repairs, is_verbose);
  print_response("response", job.response, report.response, rate, is_verbose);
  if (report.routing) {
    say("routing   {}: {}\n", report.routing->name, words_of(*report.routing));
    const std::string unheard = unheard_words(*report.routing);
    if (!unheard.empty()) say("          not heard: {}\n", unheard);
  }
  std::vector<std::optional<double>> gains{report.response.unit_energy_gain_db};
  if (report.routing) {
    gains.clear();
    for (const Route& route : report.routing->routes) gains.push_back(route.unit_energy_gain_db);
  }
  print_unit_energy(gains);
}

}  // namespace

void print_plan(const Job& job, const JobReport& report, bool is_verbose) {
  const int rate = report.source.rate;
  if (job.scene) {
    print_scene(job, report, is_verbose);
  } else {
    print_source_and_response(job, report, is_verbose);
  }
  if (report.then) {
    say("then      {}: {}\n", one_line(job.then), one_line(report.then->description));
    if (report.then->file_rate != rate) {
      say("          converted from {} to {} Hz: {} taps, scaled by {:.4f}\n",
          report.then->file_rate, rate, report.then->taps,
          static_cast<double>(report.then->file_rate) / rate);
    }
  }
  if (job.align == Align::direct) {
    say("          direct sound {} frames earlier ({:.2f} ms)\n", report.response.direct_sound,
        1000.0 * static_cast<double>(report.response.direct_sound) / rate);
  }
  say("method    {} on {}: {}\n", report.choice.method->name, place_of(report.choice),
      report.choice.why);
}

void print_outputs(const Job& job, const JobReport& report, bool is_verbose) {
  say("dry run   gpuconv wrote no output; it would write:\n");
  say("wet       {}\n", one_line(job.output));
  for (const StretchOutput& one : job.stretches) {
    say("{:<9} {}\n", name(one.stretch), one_line(stretch_output(job.output, one.stretch)));
  }
  if (!job.scene || !job.scene->has_stems) return;
  const std::size_t printed = voices_to_print(report, is_verbose);
  for (std::size_t v = 0; v < printed; ++v) {
    say("{:<9} {}\n", fmt::format("stem {}", v + 1),
        one_line(stem_output(job.output, job.scene->voices[v].id)));
  }
  print_more_voices(report, printed);
}

void print_result(const Job& job, const JobReport& report, bool is_verbose) {
  const WriteReport& written = *report.written;
  const int rate = job.output_rate.value_or(report.source.rate);
  say("wet       {}: {} frames, {}{}, {} {}\n", one_line(job.output), written.frames,
      seconds_of(written.frames, rate),
      rate == report.source.rate ? "" : fmt::format(" at {} Hz", rate), written.container,
      describe(written.format));
  for (std::size_t i = 0; i < report.stretches.size(); ++i) {
    const Stretch stretch = job.stretches[i].stretch;
    say("{:<9} {}: {} of {} taps\n", name(stretch), one_line(stretch_output(job.output, stretch)),
        report.stretches[i].taps, report.response.taps);
  }
  const std::size_t printed = voices_to_print(report, is_verbose);
  for (std::size_t v = 0; v < printed; ++v) {
    const VoiceReport& voice = report.voices[v];
    if (!voice.stem) break;
    say("{:<9} {}: {}\n", fmt::format("stem {}", v + 1),
        one_line(stem_output(job.output, job.scene->voices[v].id)), words_of(*voice.at_ears));
    if (v + 1 == printed) print_more_voices(report, printed);
  }
  const std::string left = tenths(dbfs(written.levels.left.peak));
  if (job.format.channels == Channels::both) {
    say("peak      left {} dBFS, right {} dBFS\n", left, tenths(dbfs(written.levels.right.peak)));
  } else {
    say("peak      {} {} dBFS\n", name(job.format.channels), left);
  }
  if (report.noise && report.noise->gain_db) {
    say("noise     {}: from {:.3f} s{}, {:+.2f} dB for an SNR of {:.1f} dB\n",
        one_line(job.noise->file), report.noise->start_seconds,
        report.noise->is_looped ? " and again from its begin" : "", *report.noise->gain_db,
        job.noise->snr_db);
  }
  if (report.level_gain_db) {
    say("level     {:+.2f} dB to both ears ({} {:+.1f} {})\n", *report.level_gain_db,
        name(job.level->kind), job.level->level, unit(job.level->kind));
  }
  if (job.verify) {
    say("verified  {} samples against the definition\n", report.verified_samples);
  }
  say("time      {:.3f} s, {}\n", report.seconds,
      real_time(static_cast<double>(report.source.samples) / rate, report.seconds));
  if (!is_verbose) return;
  std::size_t width = 0;
  for (const StageTime& stage : report.render.stages) width = std::max(width, stage.stage.size());
  for (const StageTime& stage : report.render.stages) {
    say("  {:<{}}  {:.6f} s\n", stage.stage, width, stage.seconds);
  }
}

}  // namespace gpuconv
