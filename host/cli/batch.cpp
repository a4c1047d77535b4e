// batch.cpp - gpuconv batch: many jobs, one process
#include "host/cli/batch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>

#include "gpuconv/job.hpp"
#include "host/base/duration.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/batch/list.hpp"
#include "host/batch/merge.hpp"
#include "host/batch/runner.hpp"
#include "host/cli/choices.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/failure.hpp"
#include "host/cli/job_options.hpp"
#include "host/cli/job_warnings.hpp"
#include "host/cli/json_report.hpp"
#include "host/cli/message.hpp"
#include "host/cli/pairing_options.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/usage.hpp"
#include "host/files/input_file.hpp"

namespace gpuconv {
namespace {

using namespace std::chrono_literals;

struct BatchOptions : JobOptions {
  std::string list, folder, response;
  std::optional<ListFormat> list_format;
  std::optional<ListPaths> paths;
  bool allows_commands = false;
  std::string manifest;
  PairingChoices pairing;
  bool resumes = false;
  bool checks_files = true;
  int jobs = 0;
  std::string shard = "auto";
  std::optional<bool> progress;
  bool dry_run = false;
  bool merges = false;
  bool verbose = false;
};

struct Totals {
  std::size_t done = 0, complete = 0, failed = 0;
  bool has_clipped = false;
  double sound_seconds = 0;
};

/// Outputs above full scale.
struct Loud {
  std::size_t outputs = 0;
  double level = 0;   ///< with which none of them would be: see right_level()
  std::string worst;  ///< the one that needs that level

  void add(const Job& job, const JobReport& report) {
    const double right = right_level(job, report);
    if (outputs == 0 || right < level) {
      level = right;
      worst = job.output;
    }
    ++outputs;
  }
};

/// Files of older batches, beside new outputs.
struct Older {
  std::size_t files = 0;
  std::string first;
};

/// Outputs whose direction no measurement is near.
struct Far {
  std::size_t outputs = 0;
  FarMeasurement worst;
  std::string output, response;  // of the worst

  void add(const Job& job, const FarMeasurement& far) {
    if (++outputs > 1 && far.degrees <= worst.degrees) return;
    worst = far;
    output = job.output;
    response = job.response;
  }
};

void add_list_options(CLI::App& command, BatchOptions& options) {
  command
      .add_option("LIST", options.list,
                  "Jobs: a table (.csv), objects (.jsonl or .json, also NeMo's and Lhotse's) or "
                  "Kaldi's scp, also with .gz; WebDataset's .tar; - is standard input")
      ->required();
  command
      .add_option("-o,--output", options.folder,
                  "Folder of the outputs, made if absent; their names are INPUT's with .wav unless "
                  "the list names them")
      ->type_name("FOLDER")
      ->required();
  command.add_option("--response", options.response, "Response for lines that do not name one")
      ->type_name("FILE");
  static const std::map<std::string, ListFormat> formats{{"csv", ListFormat::csv},
                                                         {"jsonl", ListFormat::jsonl},
                                                         {"nemo", ListFormat::nemo},
                                                         {"lhotse", ListFormat::lhotse},
                                                         {"kaldi", ListFormat::kaldi}};
  accept_only(command.add_option("--list-format", options.list_format,
                                 "Kind of LIST (default: by its name and its first characters)"),
              formats);
  static const std::map<std::string, ListPaths> paths{{"list", ListPaths::list},
                                                      {"cwd", ListPaths::cwd}};
  accept_only(command.add_option("--paths", options.paths,
                                 "Start of relative paths: the folder of LIST, or the current one "
                                 "(default cwd; NeMo's: list)"),
              paths);
  command.add_flag("--allow-commands", options.allows_commands,
                   "Also inputs that are commands for sh and print a recording");
  command.add_flag("--resume", options.resumes,
                   "Only jobs whose output is missing, or was made from other files or options");
  accept_whole_number(command
                          .add_option("-j,--jobs", options.jobs,
                                      "Jobs at a time on the CPU (default: one for each core)")
                          ->type_name("N"),
                      1, 1024);
  command
      .add_option("--shard", options.shard,
                  "Share I of N of the list, counted from 0; auto: that of the Slurm task or array "
                  "element, or of the pod")
      ->type_name("I/N")
      ->capture_default_str();
  command
      .add_flag("--merge", options.merges,
                "One journal and one file of results out of those of all shares, without work")
      ->excludes(command.get_option("--resume"), command.get_option("--shard"));
  command
      .add_option("--manifest", options.manifest,
                  "List of the outputs that are done, in the form of LIST")
      ->type_name("FILE");
  command.add_flag(
      "--no-check-files", [&options](std::int64_t count) { options.checks_files = count <= 0; },
      "No look at the head of each recording before the work");
}

void add_batch_reports(CLI::App& command, BatchOptions& options) {
  command.option_defaults()->group("Reports");
  command
      .add_flag("--dry-run", options.dry_run,
                "The plan instead of the work: jobs, sound, bytes, memory, time, files")
      ->excludes(command.get_option("--merge"));
  command.add_flag_function(
      "--progress,!--no-progress",
      [&options](std::int64_t wanted) { options.progress = wanted > 0; },
      "Progress on standard error, in a log one line a minute (default: unless each job has a "
      "line)");
  command.add_flag("-v,--verbose", options.verbose, "A line for each job of a long list, too");
}

/// All options that were given, but those that no output depends on.
std::string settings_of(const CLI::App& command) {
  std::string settings = version();
  for (const CLI::Option* const option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || option->get_positional()) continue;
    static constexpr std::string_view kOfNoOutput[] = {
        "--output", "--resume", "--list-format", "--paths", "--allow-commands", "--quiet",
        "--no-clobber", "--fail-on-clip", "--manifest", "--jobs", "--shard", "--no-check-files",
        "--dry-run", "--progress", "--verbose", "--gpu-timeout", "--max-gpu-mem",
        // The journal has the method by itself, and no byte depends on the device.
        "--method", "--device"};
    if (std::ranges::find(kOfNoOutput, name) != std::end(kOfNoOutput)) continue;
    settings.append("\n").append(name);
    for (const std::string& value : option->results()) settings.append(" ").append(value);
  }
  return settings;
}

/// What a batch with fewer jobs says of each of them without -v.
constexpr std::size_t kShortList = 100;

ListOptions lines_of(const BatchOptions& options) {
  return {options.folder,      options.response, options.job.format,
          options.list_format, options.paths,    options.allows_commands};
}

Manifest manifest_of(const BatchOptions& options) {
  return {options.manifest, count(options.job.format.channels)};
}

BatchRequest request_of(const BatchOptions& options, const CLI::App& command) {
  BatchRequest request;
  request.job = options.job;
  request.list = options.list;
  request.lines = lines_of(options);
  request.pairing = pairing_of(options.pairing);
  request.manifest = manifest_of(options);
  request.settings = settings_of(command);
  request.resumes = options.resumes;
  request.checks_files = options.checks_files;
  request.jobs = options.jobs;
  if (options.shard != "auto") request.shard = shard_of(options.shard);
  return request;
}

std::string size_in_words(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6)
                     : fmt::format("{:.1f} GB", bytes / 1e9);
}

/// Tells a person how a batch gets on.
class BatchTeller {
 public:
  BatchTeller(const BatchOptions& options, Batch& batch)
      : options_(options),
        batch_(batch),
        tells_jobs_(!options.quiet && (options.verbose || batch.size() <= kShortList)) {
    const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
    if (options.progress.value_or(!options.quiet && (is_terminal || !tells_jobs_))) {
      bar_.emplace(is_terminal ? 100ms : 60'000ms, !is_terminal);
    }
  }

  int run() {
    tell_start();
    for (const auto& [response, warning] : batch_.check_responses()) say_once(response, warning);
    if (options_.checks_files || options_.dry_run) plan_ = batch_.plan();
    if (options_.dry_run) return tell_plan();
    batch_.run({.done = [this](const ListedJob& listed, const Job& job,
                               const JobReport& report) { done(listed, job, report); },
                .complete = [this](const ListedJob& listed,
                                   bool has_clipped) { complete(listed, has_clipped); },
                .failed = [this](const ListedJob& listed, const std::exception_ptr& failure,
                                 bool has_lost_gpu) { failed(listed, failure, has_lost_gpu); },
                .no_journal = [this] { tell_no_journal(); },
                .tick = [this] { show_progress(); }});
    bar_.reset();
    if (received_signal() != 0) stopped_by_ = report_failure();
    if (!options_.quiet || stopped_by_ != 0) print_totals();
    print_summed_warnings();
    if (stopped_by_ != 0) return stopped_by_;
    if (totals_.failed > 0) return static_cast<int>(Exit::some);
    return static_cast<int>(totals_.has_clipped && options_.fail_on_clip ? Exit::clipped
                                                                         : Exit::done);
  }

 private:
  void tell_start() {
    if (!batch_.calibration_warning().empty()) warn(batch_.calibration_warning());
    for (const std::string& warning : batch_.list().warnings) warn(warning);
    const Shard& shard = batch_.shard();
    if (options_.quiet || shard.is_all()) return;
    const std::string& origin = batch_.shard_origin();
    say("share     {} of {}{}: {} of {} jobs\n", shard.index, shard.count,
        origin.empty() ? "" : " (" + origin + ")", batch_.size(), batch_.list().size());
  }

  int tell_plan() {
    const Choice& choice = batch_.choice();
    print("jobs      {} of {}\n", plan_.jobs, batch_.size());
    print("sound     {} to convolve\n", duration(plan_.sound_seconds));
    print("outputs   {} in {}, {} more than is there now\n", size_in_words(plan_.output_bytes),
          one_line(options_.folder), size_in_words(std::max(0.0, plan_.room_bytes)));
    if (choice.method != nullptr) {
      print("method    {} on {}: {}\n", choice.method->name,
            choice.device ? fmt::format("cuda:{}", choice.device->index)
                          : fmt::format("CPU, {} at a time", batch_.cores()),
            choice.why);
      print("time      {}, a prediction without reading and writing\n",
            duration(plan_.estimated_seconds));
    }
    print("memory    up to {}, a prediction\n", size_in_words(plan_.memory_bytes));
    print_files();
    for (const auto& [position, failure] : batch_.known_failures()) {
      print_message("error", where(batch_.list()[position]) + words_of(failure));
    }
    print_hint();
    return static_cast<int>(batch_.known_failures().empty() ? Exit::done : Exit::some);
  }

  /// All that the batch would write.
  void print_files() const {
    print("results   {}\n", one_line(batch_.results_path()));
    print("journal   {}\n", one_line(batch_.journal_path()));
    if (!options_.manifest.empty()) print("manifest  {}\n", one_line(options_.manifest));
    const std::vector<std::size_t>& todo = batch_.todo();
    const bool are_few = options_.verbose || batch_.size() <= kShortList;
    const std::size_t most = are_few ? todo.size() : 0;
    for (std::size_t i = 0; i < most; ++i) {
      if (batch_.known_failures().contains(todo[i])) continue;
      const std::string output(batch_.list()[todo[i]].output);
      print("output    {}\n", one_line(output));
      for (const StretchOutput& one : options_.job.stretches) {
        print("{:<9} {}\n", name(one.stretch), one_line(stretch_output(output, one.stretch)));
      }
    }
    if (!are_few) print("          -v names each output\n");
  }

  void done(const ListedJob& listed, const Job& job, const JobReport& report) {
    ++totals_.done;
    totals_.has_clipped |= has_clipped(report);
    totals_.sound_seconds += static_cast<double>(report.source.samples) / report.source.rate;
    try {
      tell(listed, job, report);
    } catch (const std::bad_alloc&) {  // the job is done nevertheless
      report_failure(where(listed));
    }
  }

  void complete(const ListedJob& listed, bool has_clipped) {
    ++totals_.complete;
    totals_.has_clipped |= has_clipped;
    if (tells_jobs_)
      line("{}  {}: complete\n", place(listed), one_line(std::string(listed.output)));
  }

  void failed(const ListedJob& listed, const std::exception_ptr& failure, bool has_lost_gpu) {
    if (received_signal() != 0) return;  // it failed because of that
    clear();
    ++totals_.failed;
    try {
      std::rethrow_exception(failure);
    } catch (...) {
      const int code = report_failure(where(listed));
      if (has_lost_gpu) stopped_by_ = code;
    }
  }

  void tell_no_journal() {
    warn(options_.folder +
         ": no journal can be kept in this folder, so --resume will do this again");
  }

  void show_progress() {
    if (!bar_ || batch_.size() == 0) return;
    const std::size_t over = totals_.done + totals_.failed;
    const std::size_t all = batch_.size() - totals_.complete;
    const double seconds = seconds_since_start();
    double share = static_cast<double>(over) / static_cast<double>(std::max<std::size_t>(1, all));
    if (plan_.sound_seconds > 0) share = std::min(1.0, totals_.sound_seconds / plan_.sound_seconds);
    std::string text =
        fmt::format("batch     {:3.0f} % {} of {} done", 100 * share, totals_.done, all);
    if (totals_.failed > 0) text += fmt::format(", {} failed", totals_.failed);
    if (totals_.sound_seconds > 0) text += ", " + real_time(totals_.sound_seconds, seconds);
    if (share > 0 && share < 1) {
      text += fmt::format(", {} left", duration(seconds * (1 - share) / share));
    }
    bar_->show(text);
  }

  void tell(const ListedJob& listed, const Job& job, JobReport report) {
    if (tells_jobs_) {
      line("{}  {}: {} frames{}{}, {} on {}, {:.3f} s\n", place(listed), one_line(job.output),
           report.written->frames,
           has_clipped(report) ? fmt::format(", {} clipped", clipped_samples(report)) : "",
           report.response.file_rate == report.source.rate
               ? ""
               : fmt::format(", response converted from {} to {} Hz", report.response.file_rate,
                             report.source.rate),
           report.choice.method->name,
           report.choice.device ? fmt::format("cuda:{}", report.choice.device->index) : "CPU",
           report.seconds);
    }
    if (has_told_fallback_) report.why_fallback.clear();
    has_told_fallback_ |= !report.why_fallback.empty();
    if (report.response.far) {
      std::erase(report.response.warnings, report.response.far->warning);
      far_.add(job, *report.response.far);
    }
    for (const std::string& warning : report.response.warnings) say_once(job.response, warning);
    report.response.warnings.clear();
    for (const std::string& output : report.older_outputs) {
      if (batch_.names(output)) continue;
      if (++older_.files == 1) older_.first = output;
    }
    report.older_outputs.clear();
    for (const std::string& warning : report.warnings) say_once(job.response, warning);
    report.warnings.clear();
    tell_repairs(job, report);
    if (has_clipped(report)) {
      clipped_.add(job, report);
    } else if (has_overs(report)) {
      over_.add(job, report);
    }
  }

  /// Of a long list, those of the first recordings only: a thousand of them may be truncated.
  void tell_repairs(const Job& job, JobReport& report) {
    constexpr std::size_t kMost = 10;
    const auto is_repaired = [](const Repairs& repairs) {
      return repairs.replaced > 0 || !repairs.shortfall.empty();
    };
    if (is_repaired(report.response.repairs) && !said_.insert(job.response).second) {
      report.response.repairs = {};
    }
    if (is_repaired(report.source.repairs) && ++repaired_ > kMost && !tells_jobs_) {
      ++untold_;
      report.source.repairs = {};
    }
    clear();
    print_warnings(job, report);
  }

  void say_once(const std::string& response, const std::string& warning) {
    if (warning.empty() || !said_.insert(response + ": " + warning).second) return;
    warn(response + ": " + warning);
  }

  void warn(const std::string& text) {
    clear();
    print_message("warning", text);
  }

  template <typename... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    clear();
    say(format, std::forward<Values>(values)...);
  }

  void clear() {
    if (bar_) bar_->clear();
  }

  void print_hint() const {
    if (batch_.hint().empty()) return;
    print_message("warning", input_name(options_.list) + ": " + batch_.hint());
  }

  /// One line for all outputs: a thousand of them may have the same defect.
  void print_summed_warnings() const {
    print_hint();
    if (untold_ > 0) {
      print_message("warning",
                    fmt::format("{} more recording{} truncated, or had samples that were "
                                "NaN or infinite; {} names them",
                                untold_, untold_ == 1 ? " was" : "s were", batch_.results_path()));
    }
    if (older_.files > 0) {
      print_message(
          "warning",
          fmt::format("{} file{} of older batches with --early or --late {} beside new outputs, "
                      "such as {}: gpuconv left {} as {}",
                      older_.files, older_.files == 1 ? "" : "s",
                      older_.files == 1 ? "stands" : "stand", older_.first,
                      older_.files == 1 ? "it" : "them",
                      older_.files == 1 ? "it was" : "they were"));
    }
    if (far_.outputs > 0) {
      print_message("warning",
                    fmt::format("{} of {} outputs {} a measurement that is not near the direction "
                                "asked for, most of all {}: {}: {}",
                                far_.outputs, totals_.done, far_.outputs == 1 ? "has" : "have",
                                far_.output, far_.response, far_.worst.warning));
    }
    if (clipped_.outputs > 0) {
      print_message("warning", fmt::format("{} clipped, most of all {}; use {} or a float output",
                                           outputs(clipped_), clipped_.worst,
                                           level_option(options_.job, clipped_.level)));
    }
    if (over_.outputs > 0) {
      print_message(
          "warning",
          fmt::format("{} above full scale, most of all {}: these files keep it, but "
                      "players will clip; {} avoids that",
                      outputs(over_), over_.worst, level_option(options_.job, over_.level)));
    }
  }

  std::string outputs(const Loud& loud) const {
    return fmt::format("{} of {} outputs {}", loud.outputs, totals_.done,
                       loud.outputs == 1 ? "is" : "are");
  }

  /// "3 of 200": the job's place in the list.
  std::string place(const ListedJob& listed) const {
    const std::string all = std::to_string(batch_.list().size());
    return fmt::format("{:>{}} of {}", listed.position + 1, all.size(), all);
  }

  /// The job's place in the list, for errors.
  std::string where(const ListedJob& listed) const {
    return fmt::format("{}: line {}: ", input_name(options_.list), listed.line);
  }

  void print_totals() const {
    const std::size_t left = batch_.size() - totals_.done - totals_.complete - totals_.failed;
    const double seconds = seconds_since_start();
    say("batch     {} of {} done{}{}{}", totals_.done, batch_.size(),
        number(totals_.complete, "complete before"), number(totals_.failed, "failed"),
        number(left, "left: --resume goes on"));
    if (totals_.done > 0) {
      say("; {:.2f} s of sound in {:.3f} s, {}", totals_.sound_seconds, seconds,
          real_time(totals_.sound_seconds, seconds));
    }
    say("\n");
  }

  double seconds_since_start() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  static std::string number(std::size_t count, const char* what) {
    return count == 0 ? "" : fmt::format(", {} {}", count, what);
  }

  const BatchOptions& options_;
  Batch& batch_;
  const bool tells_jobs_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<ProgressBar> bar_;
  BatchPlan plan_;
  std::set<std::string> said_;  // warnings of responses
  Totals totals_;
  Loud clipped_, over_;
  Far far_;
  Older older_;
  int stopped_by_ = 0;  // an exit code
  bool has_told_fallback_ = false;
  std::size_t repaired_ = 0, untold_ = 0;  // recordings
};

int merge(const BatchOptions& options) {
  const Merged merged = merge_shares(options.list, lines_of(options), pairing_of(options.pairing),
                                     options.job.stretches, manifest_of(options));
  if (!options.quiet) {
    say("merged    {} shares, {} jobs{}, {}\n", merged.shares, merged.jobs,
        merged.failed == 0 ? "" : fmt::format(", {} failed", merged.failed), merged.method);
  }
  if (merged.failed > 0) return static_cast<int>(Exit::some);
  return static_cast<int>(merged.clipped > 0 && options.fail_on_clip ? Exit::clipped : Exit::done);
}

int batch(BatchOptions options, const CLI::App& command) {
  settle(options);
  if (options.merges) return merge(options);
  Batch batch(request_of(options, command));
  return BatchTeller(options, batch).run();
}

}  // namespace

void run_batch(const std::vector<std::string>& arguments, const BatchWatch& watch) {
  BatchOptions options;
  options.gpu_timeout = 0;  // it would end the caller's process
  options.shard = "0/1";    // a program that runs as a task of Slurm may have shared out by itself
  CLI::App command;
  add_list_options(command, options);
  add_job_options(command, options);
  add_pairing_options(command, options.pairing);
  parse_arguments(command, arguments);
  settle(options);
  Batch batch(request_of(options, command));
  for (const std::string& warning : batch.list().warnings) watch.warning(warning);
  batch.check_responses();  // warnings are in the reports
  if (options.checks_files) batch.plan();
  if (!batch.hint().empty()) watch.warning(input_name(options.list) + ": " + batch.hint());
  batch.run(
      {.done = [&](const ListedJob& listed, const Job& job,
                   const JobReport& report) { watch.done(listed, json_of(job, report)); },
       .complete = [&](const ListedJob& listed, bool) { watch.complete(listed); },
       .failed =
           [&](const ListedJob& listed, const std::exception_ptr& failure, bool has_lost_gpu) {
             try {
               std::rethrow_exception(failure);
             } catch (const Error& error) {
               if (has_lost_gpu) throw;
               watch.failed(listed, error.what());
             }
           },
       .no_journal = [] {},
       .tick = watch.tick});
}

void add_batch(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<BatchOptions>();
  CLI::App* const command =
      app.add_subcommand("batch", "Convolve the recordings of a list, several at a time");
  add_list_options(*command, *options);
  add_job_options(*command, *options);
  add_pairing_options(*command, options->pairing);
  add_batch_reports(*command, *options);
  command->callback([&run_it, options, command] {
    run_it = [options, command] { return batch(*options, *command); };
  });
}

}  // namespace gpuconv
