// render.cpp - gpuconv render: the main job
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "gpuconv/job.hpp"
#include "host/base/error.hpp"
#include "host/base/levels.hpp"
#include "host/base/parallel.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/job_options.hpp"
#include "host/cli/json_report.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/side_files.hpp"
#include "host/cli/trace_file.hpp"

namespace gpuconv {
namespace {

struct RenderOptions : JobOptions {
  std::string json, trace;
  std::optional<bool> progress;  ///< absent: only on a terminal
  bool dry_run = false;
  bool verbose = false;
};

void add_files(CLI::App& command, RenderOptions& options) {
  command
      .add_option("INPUT", options.job.input,
                  "Mono recording: WAV, FLAC, MP3, ...; - is standard input")
      ->required();
  command
      .add_option("RESPONSE", options.job.response,
                  "Response at two ears: a 2-channel audio file (left, right) or a .sofa file")
      ->required();
  command
      .add_option("OUTPUT", options.job.output,
                  "Stereo recording; the extension names the kind (.wav .flac .aiff ...); - is "
                  "standard output, a WAV")
      ->required();
}

void add_report_options(CLI::App& command, RenderOptions& options) {
  command.add_flag("--dry-run", options.dry_run, "Everything but the work: OUTPUT is left alone");
  command.add_option("--json", options.json, "Report as JSON; - is standard output")
      ->type_name("FILE");
  command
      .add_option("--trace", options.trace,
                  "Timeline of CPU threads and GPU streams for https://ui.perfetto.dev")
      ->type_name("FILE");
  command.add_flag_function(
      "--progress,!--no-progress",
      [&options](std::int64_t wanted) { options.progress = wanted > 0; },
      "Progress bar on standard error (default: on a terminal)");
  command.add_flag("-v,--verbose", options.verbose, "Times of all stages");
}

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

void print_plan(const Job& job, const JobReport& report, bool is_verbose) {
  const int rate = report.source.rate;
  say("source    {}: {}{} samples, {} at {} Hz\n", one_line(job.input),
      report.source.has_more_samples ? "at least " : "", report.source.samples,
      seconds_of(report.source.samples, rate), rate);
  print_remark(report.source.repairs, is_verbose);
  say("response  {}: {}\n", one_line(job.response), one_line(report.response.description));
  print_remark(report.response.repairs, is_verbose);
  if (report.response.file_rate != rate) {
    say("          converted from {} to {} Hz: {} taps, scaled by {:.4f}\n",
        report.response.file_rate, rate, report.response.taps,
        static_cast<double>(report.response.file_rate) / rate);
  }
  if (job.align == Align::direct) {
    say("          direct sound {} frames earlier ({:.2f} ms)\n", report.response.direct_sound,
        1000.0 * static_cast<double>(report.response.direct_sound) / rate);
  }
  if (report.response.unit_energy_gain_db) {
    say("          {:+.2f} dB to unit energy\n", *report.response.unit_energy_gain_db);
  }
  say("method    {} on {}: {}\n", report.choice.method->name, place_of(report.choice),
      report.choice.why);
}

void print_result(const Job& job, const JobReport& report, bool is_verbose) {
  const WriteReport& written = *report.written;
  const int rate = report.source.rate;
  say("wet       {}: {} frames, {}, {} {}\n", one_line(job.output), written.frames,
      seconds_of(written.frames, rate), written.container, describe(written.format));
  if (report.early) {
    say("early     {}: {} of {} taps\n", one_line(early_output(job.output)), report.early_taps,
        report.response.taps);
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

int run_render(RenderOptions options) {
  settle(options);
  const std::string early = options.job.early_ms ? early_output(options.job.output) : "";
  refuse_common_outputs(
      std::array{NamedOutput{"OUTPUT", options.job.output}, NamedOutput{"--early", early},
                 NamedOutput{"--json", options.json}, NamedOutput{"--trace", options.trace}});
  std::optional<JsonReport> json;
  if (!options.json.empty()) json.emplace(options.json, options.job);
  std::optional<TraceFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace, options.job);
  std::optional<ProgressBar> bar;
  if (options.progress.value_or(!options.quiet && ::isatty(STDERR_FILENO) != 0)) {
    bar.emplace();
    options.job.watch = [&bar](const Progress& progress) { bar->show(progress); };
  }
  options.job.request.watch = [&options](const Choice& choice) {
    if (options.quiet || options.dry_run || choice.estimated_seconds <= kLongSeconds) return;
    say("{}\n", estimate_line(choice.method->name, choice.estimated_seconds));
  };
  const JobReport report = options.dry_run ? check_job(options.job) : run_job(options.job);
  bar.reset();
  if (trace) trace->write(report);
  if (!options.quiet) print_plan(options.job, report, options.verbose);
  if (!options.quiet && report.written) print_result(options.job, report, options.verbose);
  print_warnings(options.job, report);
  print_level_warning(options.job, report);
  if (json) json->write(options.job, report);
  return static_cast<int>(has_clipped(report) && options.fail_on_clip ? Exit::clipped : Exit::done);
}

}  // namespace

void add_render(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<RenderOptions>();
  CLI::App* const command =
      app.add_subcommand("render", "Convolve a recording with a response at two ears");
  add_files(*command, *options);
  add_job_options(*command, *options);
  add_noise_options(*command, *options);
  add_report_options(*command, *options);
  command->callback([&run_it, options] { run_it = [options] { return run_render(*options); }; });
}

}  // namespace gpuconv
