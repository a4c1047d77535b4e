// batch.cpp - gpuconv batch: many jobs, one process
#include "host/cli/batch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "gpuconv/job.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/batch/added_outputs.hpp"
#include "host/batch/file_pool.hpp"
#include "host/batch/journal.hpp"
#include "host/batch/list.hpp"
#include "host/batch/pairing.hpp"
#include "host/cli/choices.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/failure.hpp"
#include "host/cli/job_options.hpp"
#include "host/cli/json_report.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/usage.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/read/audio_format.hpp"
#include "host/read/foreign.hpp"
#include "host/room/mix.hpp"
#include "host/room/response_cache.hpp"
#include "host/room/sofa/ears.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

struct BatchOptions : JobOptions {
  std::string list, folder, response;
  std::string responses, noise;  ///< as given: a pattern, or a list
  PairingOptions pairing;        ///< without its files
  bool resumes = false;
};

struct Totals {
  std::size_t done = 0, complete = 0, failed = 0;
  bool has_clipped = false;
  double sound_seconds = 0, seconds = 0;
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

void add_list_options(CLI::App& command, BatchOptions& options) {
  command
      .add_option(
          "LIST", options.list,
          "Jobs, one in each line: a table (.csv) with the columns input, response, output, "
          "azimuth, elevation; objects with these keys (.jsonl); or Kaldi's IDs and paths "
          "(.scp); - is standard input, a table; paths are relative to the current folder")
      ->required();
  command
      .add_option("-o,--output", options.folder,
                  "Folder of the outputs, made if absent; their names are INPUT's with .wav unless "
                  "the list names them")
      ->type_name("FOLDER")
      ->required();
  command.add_option("--response", options.response, "Response for lines that do not name one")
      ->type_name("FILE");
  command.add_flag("--resume", options.resumes,
                   "Only jobs whose output is missing, or was made from other files or options");
}

/// "5:20" or "10". Throws UsageError.
SnrRange snr_in(const std::string& text) {
  constexpr double kMost = 200;
  SnrRange range;
  const char* const end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, range.low);
  range.high = range.low;
  if (error == std::errc() && rest != end && *rest == ':') {
    const auto high = std::from_chars(rest + 1, end, range.high);
    rest = high.ptr;
    error = high.ec;
  }
  const bool is_range = error == std::errc() && rest == end && range.low <= range.high &&
                        range.low >= -kMost && range.high <= kMost;
  if (is_range) return range;
  throw UsageError(
      fmt::format("--snr {}: expected LOW:HIGH in dB, from -{:.0f} to {:.0f}, such as "
                  "5:20",
                  text, kMost, kMost));
}

/// After add_list_options() and add_job_options(), some of whose options exclude these.
void add_pairing_options(CLI::App& command, BatchOptions& options) {
  PairingOptions& pairing = options.pairing;
  command.option_defaults()->group("Pairing");
  CLI::Option* const responses =
      command
          .add_option("--responses", options.responses,
                      "Responses for lines that do not name one: a pattern such as 'rooms/*.wav', "
                      "or a text with a path in each line")
          ->type_name("FILES")
          ->excludes(command.get_option("--response"));
  static const std::map<std::string, Pair> pairs{
      {"zip", Pair::zip}, {"product", Pair::product}, {"random", Pair::random}};
  CLI::Option* const pair = command.add_option(
      "--pair", pairing.pair,
      "Responses of a line: the next one, all in a job each, or a drawn one (default random)");
  accept_only(pair, pairs);
  pair->needs(responses);
  accept_whole_number(command
                          .add_option("--per-input", pairing.per_input,
                                      "Jobs for each line, whose outputs are NAME-1.wav and so on "
                                      "(default 1)")
                          ->type_name("N"),
                      1, 1'000'000);
  static const std::map<std::string, bool> directions{{"listed", false}, {"random", true}};
  CLI::Option* const direction = command.add_option(
      "--directions", pairing.draws_directions,
      "Direction of lines that name none: as --azimuth says, or drawn from those of the .sofa file "
      "(default listed)");
  accept_only(direction, directions);
  for (const char* const other : {"--azimuth", "--elevation", "--distance", "--measurement"}) {
    direction->excludes(command.get_option(other));
  }
  CLI::Option* const noise =
      command
          .add_option(
              "--noise", options.noise,
              "Noise, of which each job draws one, and where it begins: a pattern or a text "
              "as for --responses")
          ->type_name("FILES");
  CLI::Option* const snr =
      command
          .add_option_function<std::string>(
              "--snr", [&pairing](const std::string& text) { pairing.snr = snr_in(text); },
              "Power of the wet sound over that of the noise; LOW:HIGH is drawn between these")
          ->type_name("DB");
  noise->needs(snr);
  snr->needs(noise);
  accept_whole_number(
      command.add_option("--seed", pairing.seed, "Seed of all draws (default 0)")->type_name("N"),
      0, std::numeric_limits<std::int64_t>::max());
  command.option_defaults()->group("Reports");
}

/// The options with the files that they name.
PairingOptions pairing_of(const BatchOptions& options) {
  PairingOptions pairing = options.pairing;
  if (!options.responses.empty()) {
    pairing.responses = file_pool("--responses", options.responses);
  }
  if (!options.noise.empty()) pairing.noises = file_pool("--noise", options.noise);
  if (pairing.pair != Pair::random && pairing.per_input > 1) {
    throw UsageError("--per-input: cannot be combined with --pair zip or product");
  }
  return pairing;
}

bool pairs(const PairingOptions& pairing) {
  return !pairing.responses.empty() || !pairing.noises.empty() || pairing.draws_directions ||
         pairing.per_input > 1;
}

/// What changes with the file, for a journal.
std::string state_of(const std::string& path) {
  const auto status = status_of(path);
  if (!status) return "none";
  return fmt::format("{} bytes of {}.{:09}", status->st_size, status->st_mtim.tv_sec,
                     status->st_mtim.tv_nsec);
}

/// All options that were given, but those that no output depends on.
std::string settings_of(const CLI::App& command) {
  std::string settings = version();
  for (const CLI::Option* const option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || option->get_positional()) continue;
    static constexpr std::string_view kOfNoOutput[] = {"--output", "--resume", "--quiet",
                                                       "--no-clobber", "--fail-on-clip"};
    if (std::ranges::find(kOfNoOutput, name) != std::end(kOfNoOutput)) continue;
    settings.append("\n").append(name);
    for (const std::string& value : option->results()) settings.append(" ").append(value);
  }
  return settings;
}

/// Makes the folder of the outputs, unless it is there.
void check_folder(const std::string& folder) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(folder, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    throw FileError(folder, "is not a folder");
  }
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError(folder, fmt::format("cannot be made ({})", error.message()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw FileError(folder, fmt::format("cannot be written ({})", std::strerror(errno)));
  }
}

class Batch {
 public:
  Batch(const BatchOptions& options, const std::string& settings, const BatchWatch* watch = nullptr)
      : options_(options),
        watch_(watch),
        devices_(devices_for(options.job.request)),
        lines_(checked_lines()),
        pairing_(pairing_of(options)),
        paired_(pairs(pairing_) ? paired_lines() : std::vector<PairedJob>()),
        list_(checked_list()),
        journal_(options.folder, settings) {}

  /// For a program that watches.
  void run_watched() {
    const auto is_complete = [&](const ListedJob& one) { return clipped_before(one).has_value(); };
    if (!std::ranges::all_of(list_, is_complete)) check_what_all_need();
    for (std::size_t i = 0; i < list_.size(); ++i) {
      try {
        do_one(i, list_[i]);
      } catch (const GpuError& error) {
        if (!still_answers()) throw;
        watch_->failed(list_[i], error.what());
      } catch (const Error& error) {
        watch_->failed(list_[i], error.what());
      }
    }
  }

  int run() {
    const auto is_complete = [&](const ListedJob& one) { return clipped_before(one).has_value(); };
    if (!std::ranges::all_of(list_, is_complete)) check_what_all_need();
    int stopped_by = 0;
    for (std::size_t i = 0; i < list_.size() && stopped_by == 0; ++i) stopped_by = run_one(i);
    if (!options_.quiet || stopped_by != 0) print_totals();
    print_level_warnings();
    if (stopped_by != 0) return stopped_by;
    if (totals_.failed > 0) return static_cast<int>(Exit::some);
    return static_cast<int>(totals_.has_clipped && options_.fail_on_clip ? Exit::clipped
                                                                         : Exit::done);
  }

 private:
  /// What is wrong in every line is refused once.
  std::vector<ListedJob> checked_lines() const {
    const Job& job = options_.job;
    try {
      check_request(job.request, devices_);
    } catch (const GpuError&) {
      if (!job.falls_back_to_cpu) throw;  // else each job says so
    }
    if (options_.folder.empty()) throw UsageError("--output: is not a folder");
    resolve_wav_format("--output", job.format);
    parse_duration(job.mix.predelay, kMaxRate, "--predelay");
    return read_list(options_.list, options_.folder,
                     options_.responses.empty() ? options_.response : kChosenResponse);
  }

  std::vector<PairedJob> paired_lines() const {
    std::vector<PairingLine> lines;
    lines.reserve(lines_.size());
    for (const ListedJob& line : lines_) {
      lines.push_back({{"", line.input},
                       line.response == kChosenResponse ? "" : std::string_view(line.response),
                       line.azimuth || line.elevation});
    }
    const bool draws = pairing_.draws_directions || !pairing_.noises.empty() ||
                       (!pairing_.responses.empty() && pairing_.pair == Pair::random);
    const std::size_t alike = draws ? lines_that_draw_alike(lines) : 0;
    if (alike > 0 && watch_ == nullptr) {
      print_message("warning",
                    fmt::format("{}: {} the input of an earlier one and draw{} the same; "
                                "--per-input gives several jobs for one input",
                                input_name(options_.list),
                                alike == 1 ? "1 line has" : fmt::format("{} lines have", alike),
                                alike == 1 ? "s" : ""));
    }
    return pair_jobs(lines, pairing_, measurements_of_files());
  }

  /// The jobs of all lines; where outputs were added to those of the list, after a check of them.
  std::vector<ListedJob> checked_list() const {
    std::vector<ListedJob> jobs;
    jobs.reserve(paired_.size());
    for (const PairedJob& paired : paired_) {
      ListedJob job = lines_[paired.line];
      job.response = paired.response;
      job.name = name_of_copy(job.name, paired.copy);
      job.output = std::filesystem::path(options_.folder) / job.name;
      jobs.push_back(std::move(job));
    }
    if (paired_.empty()) jobs = lines_;
    if (paired_.empty() && !options_.job.early_ms) return jobs;
    AddedOutputs outputs(options_.list, options_.folder);
    for (const ListedJob& job : jobs) {
      outputs.writes(job.output, job.line);
      if (options_.job.early_ms) outputs.writes(early_output(job.output), job.line);
    }
    for (const ListedJob& job : jobs) {
      outputs.reads(job.input, job.line);
      outputs.reads(job.response, job.line);
    }
    for (const std::string& noise : pairing_.noises) outputs.reads(noise, 0);
    return jobs;
  }

  /// What was drawn for a job of `list_`; null if nothing.
  const PairedJob* paired_of(const ListedJob& listed) const {
    return paired_.empty() ? nullptr : &paired_[static_cast<std::size_t>(&listed - list_.data())];
  }

  /// What the journal has to know besides the line.
  std::optional<std::string> origin_of(const ListedJob& listed) const {
    auto origin = journal_.origin(listed);
    const PairedJob* const paired = paired_of(listed);
    if (!origin || paired == nullptr) return origin;
    if (paired->measurement) *origin += fmt::format("\nmeasurement {}", *paired->measurement);
    if (!paired->noise.empty()) {
      *origin +=
          fmt::format("\nnoise {}: {} {} {}", paired->noise, state_of(std::string(paired->noise)),
                      paired->snr_db, paired->noise_draw);
    }
    return origin;
  }

  /// The origin, and the second output as it is now.
  std::string with_early(const std::string& origin, const ListedJob& listed) const {
    if (!options_.job.early_ms) return origin;
    return origin + "\nearly " + state_of(early_output(listed.output));
  }

  /// Otherwise each line would say it. Where all is complete, nothing is needed.
  void check_what_all_need() {
    std::set<std::string> checked;
    for (const ListedJob& listed : list_) {
      // A pipe can be read only once.
      if (is_special_file(listed.response) || clipped_before(listed)) continue;
      if (!checked.insert(listed.response).second) continue;
      const bool is_common = listed.response == options_.response;
      try {
        if (!is_common && !is_sofa(listed.response)) continue;
        say_once(listed.response,
                 responses_->check(listed.response, options_.job.response_options));
      } catch (const sofa::UndecidedEars&) {
        throw;  // a question, and its answer is an option for all lines
      } catch (const Error&) {
        if (is_common) throw;
      }
    }
    check_folder(options_.folder);
  }

  void say_once(const std::string& response, const std::string& warning) {
    if (watch_ != nullptr) return;  // it is in the report
    if (warning.empty() || !said_.insert(response + ": " + warning).second) return;
    print_message("warning", response + ": " + warning);
  }

  /// Whether the output that an earlier batch made has clipped; nothing if the job is to be done.
  std::optional<bool> clipped_before(const ListedJob& listed) const {
    if (!options_.resumes) return std::nullopt;
    const auto origin = origin_of(listed);
    return origin ? journal_.find(listed, with_early(*origin, listed)) : std::nullopt;
  }

  Job job_of(const ListedJob& listed) const {
    Job job = options_.job;
    job.input = listed.input;
    job.response = listed.response;
    job.output = listed.output;
    job.makes_folder = true;
    if (listed.azimuth) job.response_options.sofa.azimuth = listed.azimuth;
    if (listed.elevation) job.response_options.sofa.elevation = listed.elevation;
    if (const PairedJob* const paired = paired_of(listed)) {
      job.drawn = Drawn{pairing_.seed, paired->key, std::max(1, paired->copy), paired->measurement};
      if (paired->measurement) job.response_options.sofa.measurement = paired->measurement;
      if (!paired->noise.empty()) {
        job.noise = Noise{std::string(paired->noise), paired->snr_db, 0, paired->noise_draw};
      }
    }
    job.request.is_one_of_many = true;
    job.devices = devices_;
    job.responses = responses_;
    if (watch_ != nullptr) job.watch = watch_->block;
    return job;
  }

  /// Returns 0, or the exit code where the batch cannot go on.
  int run_one(std::size_t i) {
    where_.clear();
    is_done_ = false;
    try {
      stop_if_interrupted();
      const ListedJob& listed = list_[i];
      where_ = fmt::format("{}: line {}: ", input_name(options_.list), listed.line);
      do_one(i, listed);
      return 0;
    } catch (const GpuError&) {
      const int code = fail();
      // Where the GPU is lost, all others would fail, too.
      return received_signal() != 0 || !still_answers() ? code : 0;
    } catch (...) {
      const int code = fail();
      return received_signal() != 0 ? code : 0;
    }
  }

  void do_one(std::size_t i, const ListedJob& listed) {
    if (const auto before = clipped_before(listed)) {
      ++totals_.complete;
      is_done_ = true;
      totals_.has_clipped |= *before;
      if (watch_ != nullptr) watch_->complete(listed);
      if (!options_.quiet) say("{}  {}: complete\n", place(i), one_line(listed.output));
      return;
    }
    const auto origin = origin_of(listed);  // before the files are read
    const Job job = job_of(listed);
    const JobReport report = run_job(job);
    ++totals_.done;
    is_done_ = true;
    totals_.has_clipped |= has_clipped(report);
    const bool is_noted =
        !origin || journal_.note(listed, with_early(*origin, listed), has_clipped(report));
    if (watch_ != nullptr) return watch_->done(listed, json_of(job, report));
    tell(i, job, report);
    if (is_noted || has_told_journal_) return;
    has_told_journal_ = true;
    print_message("warning", options_.folder +
                                 ": no journal can be kept in this folder, so --resume will do "
                                 "this again");
  }

  int fail() {
    const int code = report_failure(where_);
    // Memory may run out in the message about a job that is done.
    if (received_signal() == 0 && !is_done_) ++totals_.failed;
    return code;
  }

  void tell(std::size_t i, const Job& job, JobReport report) {
    const double sound = static_cast<double>(report.source.samples) / report.source.rate;
    totals_.sound_seconds += sound;
    totals_.seconds += report.seconds;
    if (!options_.quiet) {
      say("{}  {}: {} frames{}{}, {} on {}, {:.3f} s\n", place(i), one_line(job.output),
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
    if (!tells_calibration_) report.calibration_warning.clear();
    tells_calibration_ = false;
    if (has_told_fallback_) report.why_fallback.clear();
    has_told_fallback_ |= !report.why_fallback.empty();
    for (const std::string& warning : report.response.warnings) say_once(job.response, warning);
    report.response.warnings.clear();
    print_warnings(job, report);
    if (has_clipped(report)) {
      clipped_.add(job, report);
    } else if (has_overs(report)) {
      over_.add(job, report);
    }
  }

  /// One line for all outputs: a thousand of them may be too loud.
  void print_level_warnings() const {
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

  std::string place(std::size_t i) const {
    const std::string all = std::to_string(list_.size());
    return fmt::format("{:>{}} of {}", i + 1, all.size(), all);
  }

  void print_totals() const {
    const std::size_t left = list_.size() - totals_.done - totals_.complete - totals_.failed;
    say("batch     {} of {} done{}{}{}", totals_.done, list_.size(),
        number(totals_.complete, "complete before"), number(totals_.failed, "failed"),
        number(left, "left: --resume goes on"));
    if (totals_.done > 0) {
      say("; {:.2f} s of sound in {:.3f} s, {}", totals_.sound_seconds, totals_.seconds,
          real_time(totals_.sound_seconds, totals_.seconds));
    }
    say("\n");
  }

  static std::string number(std::size_t count, const char* what) {
    return count == 0 ? "" : fmt::format(", {} {}", count, what);
  }

  const BatchOptions& options_;
  const BatchWatch* watch_;
  const Devices devices_;  // asked for once: a GPU that is lost must not pass for none
  const std::vector<ListedJob> lines_;
  const PairingOptions pairing_;
  const std::vector<PairedJob> paired_;  // empty: each line is one job as it stands
  const std::vector<ListedJob> list_;    // the jobs
  const Journal journal_;
  const std::shared_ptr<ResponseCache> responses_ = std::make_shared<ResponseCache>();
  std::set<std::string> said_;  // warnings of responses
  Totals totals_;
  Loud clipped_, over_;
  std::string where_;  // the job stands in the list, for errors
  bool is_done_ = false;
  bool tells_calibration_ = true;
  bool has_told_fallback_ = false;
  bool has_told_journal_ = false;
};

int batch(BatchOptions options, const CLI::App& command) {
  settle(options);
  return Batch(options, settings_of(command)).run();
}

}  // namespace

void run_batch(const std::vector<std::string>& arguments, const BatchWatch& watch) {
  BatchOptions options;
  options.gpu_timeout = 0;  // it would end the caller's process
  options.quiet = true;
  CLI::App command;
  add_list_options(command, options);
  add_job_options(command, options);
  add_pairing_options(command, options);
  parse_arguments(command, arguments);
  settle(options);
  Batch(options, settings_of(command), &watch).run_watched();
}

void add_batch(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<BatchOptions>();
  CLI::App* const command =
      app.add_subcommand("batch", "Convolve the recordings of a list, one after the other");
  add_list_options(*command, *options);
  add_job_options(*command, *options);
  add_pairing_options(*command, *options);
  command->callback([&run_it, options, command] {
    run_it = [options, command] { return batch(*options, *command); };
  });
}

}  // namespace gpuconv
