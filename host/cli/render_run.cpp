#include "host/cli/render_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "gpuconv/job.hpp"
#include "host/base/error.hpp"
#include "host/cli/job_warnings.hpp"
#include "host/cli/json_report.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/render_report.hpp"
#include "host/cli/side_files.hpp"
#include "host/cli/trace_file.hpp"

namespace gpuconv {

void add_output_file(CLI::App& command, RenderOptions& options) {
  command
      .add_option("OUTPUT", options.job.output,
                  "Stereo recording; the extension names the kind (.wav .flac .aiff ...); - is "
                  "standard output, a WAV")
      ->required();
}

void add_report_options(CLI::App& command, RenderOptions& options) {
  command.add_flag("--dry-run", options.dry_run,
                   "Everything but the work, and the names of the files that it would write");
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

int run_render(RenderOptions options) {
  settle(options);
  std::vector<NamedOutput> outputs{
      {"OUTPUT", options.job.output}, {"--json", options.json}, {"--trace", options.trace}};
  for (const StretchOutput& one : options.job.stretches) {
    outputs.push_back(
        {fmt::format("--{}", name(one.stretch)), stretch_output(options.job.output, one.stretch)});
  }
  if (options.job.scene && options.job.scene->has_stems) {
    for (const VoiceRequest& voice : options.job.scene->voices) {
      outputs.push_back({"--stems", stem_output(options.job.output, voice.id)});
    }
  }
  refuse_common_outputs(outputs);
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
  if (!options.quiet && options.dry_run) {
    print_outputs(options.job, report, options.verbose);
  }
  if (!options.quiet && report.written) print_result(options.job, report, options.verbose);
  print_warnings(options.job, report);
  print_level_warning(options.job, report);
  if (json) json->write(options.job, report);
  return static_cast<int>(has_clipped(report) && options.fail_on_clip ? Exit::clipped : Exit::done);
}

}  // namespace gpuconv
