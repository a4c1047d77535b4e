// render.cpp - gpuconv render: the main job
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "host/audio/levels.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/json_report.hpp"
#include "host/cli/message.hpp"
#include "host/cli/progress_bar.hpp"
#include "host/cli/side_files.hpp"
#include "host/cli/trace_file.hpp"
#include "host/error.hpp"
#include "host/parallel.hpp"
#include "host/render/job.hpp"
#include "host/watchdog.hpp"

namespace gpuconv {
namespace {

struct Options {
  Job job;
  std::string json, trace;
  std::string norm;  ///< dBFS, as text; empty: not asked for
  bool fail_on_clip = false;
  bool quiet = false;
  int gpu_timeout = 60;          ///< seconds; 0: none
  std::optional<bool> progress;  ///< absent: only on a terminal
  bool verbose = false;
};

/// Makes `option` accept the names in `choices`, which must outlive the command line.
template <typename Choice>
void accept_only(CLI::Option* option, const std::map<std::string, Choice>& choices) {
  std::string names;
  for (const auto& [choice, value] : choices) names += (names.empty() ? "" : "|") + choice;
  const auto replace_by_number = [&choices, names](std::string& text) -> std::string {
    const auto choice = choices.find(text);
    if (choice == choices.end()) return fmt::format("'{}', expected {}", text, names);
    text = std::to_string(static_cast<int>(choice->second));
    return {};
  };
  option->transform(CLI::Validator(replace_by_number, ""))->type_name(names);
}

void add_files(CLI::App& command, Options& options) {
  command
      .add_option("INPUT", options.job.input,
                  "mono recording: WAV, FLAC, AIFF, ...; - is standard input")
      ->required();
  command
      .add_option("RESPONSE", options.job.response,
                  "response at two ears: a 2-channel audio file (left, right) or a .sofa file")
      ->required();
  command
      .add_option("OUTPUT", options.job.output,
                  "stereo recording; the extension names the kind (.wav .flac .aiff ...); - is "
                  "standard output, a WAV")
      ->required();
}

double number_in(const std::string& text) {
  double number = 0;
  CLI::detail::lexical_cast(text, number);
  return number;
}

/// "500MB", "1.5 GiB", "2G", "4096": bytes. Throws UsageError.
std::uint64_t bytes_in(const std::string& option, const std::string& text) {
  char* end = nullptr;
  double bytes = std::strtod(text.c_str(), &end);
  std::string unit;
  for (; *end != 0; ++end) {
    if (*end != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*end)));
  }
  if (unit.ends_with('B')) unit.pop_back();
  const double thousand = unit.size() == 2 && unit.back() == 'I' ? 1024 : 1000;
  const std::size_t power = unit.empty() ? 0 : std::string_view("KMGTPE").find(unit.front()) + 1;
  const bool is_unit = unit.size() < 2 || thousand == 1024;
  bytes *= std::pow(thousand, static_cast<double>(power));
  if (!is_unit || (power == 0 && !unit.empty()) || !(bytes >= 1) || bytes > 0x1p60) {
    throw UsageError(option + " " + text + ": is no size such as 500MB or 2GiB");
  }
  return static_cast<std::uint64_t>(bytes);
}

void add_method_options(CLI::App& command, Options& options) {
  Request& request = options.job.request;
  command.add_option("-m,--method", request.method, "a name from 'gpuconv methods', or auto")
      ->capture_default_str();
  command.add_option("--device", request.device, "auto, cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--max-gpu-mem",
          [](const std::string& size) { limit_gpu_memory(bytes_in("--max-gpu-mem", size)); },
          "device memory that buffers may take, such as 500MB or 2GiB (without cuFFT's own)")
      ->type_name("SIZE");
  command
      .add_option("--gpu-timeout", options.gpu_timeout,
                  "seconds after which a GPU that does not answer is given up; 0: never (default "
                  "60)")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("SECONDS");
  static const std::map<std::string, bool> fallbacks{{"cpu", true}, {"none", false}};
  accept_only(command.add_option("--fallback", options.job.falls_back_to_cpu,
                                 "where the GPU fails (but not where it hangs): start again on the "
                                 "cpu, or stop (default none)"),
              fallbacks);
  command.add_flag("--force-slow", request.allows_hopeless,
                   "run a method even where it takes hours");
}

void add_raw_options(CLI::App& command, SourceOptions& options) {
  const auto raw = [&options]() -> RawFormat& {
    if (!options.raw) options.raw.emplace();
    return *options.raw;
  };
  CLI::Option* const rate = command
                                .add_option_function<int>(
                                    "--raw-rate", [raw](int hertz) { raw().rate = hertz; },
                                    "INPUT has no header, only samples, so many per second")
                                ->check(CLI::Range(kMinRate, kMaxRate))
                                ->type_name("HZ");
  static const std::map<std::string, RawEncoding> encodings{
      {"u8", RawEncoding::u8},   {"s16", RawEncoding::s16}, {"s24", RawEncoding::s24},
      {"s32", RawEncoding::s32}, {"f32", RawEncoding::f32}, {"f64", RawEncoding::f64}};
  CLI::Option* const format = command.add_option_function<RawEncoding>(
      "--raw-format", [raw](RawEncoding encoding) { raw().encoding = encoding; },
      "of such samples, little-endian (default s16)");
  accept_only(format, encodings);
  format->needs(rate);
  command
      .add_option_function<int>(
          "--raw-channels", [raw](int channels) { raw().channels = channels; },
          "of such samples (default 1)")
      ->check(CLI::Range(1, kMaxChannels))
      ->type_name("N")
      ->needs(rate);
}

void add_source_options(CLI::App& command, Options& options) {
  Job& job = options.job;
  command
      .add_option("--channel", job.source_options.channel,
                  "which channel of a recording with several, from 1")
      ->check(CLI::Range(1, kMaxChannels))
      ->type_name("N");
  add_raw_options(command, job.source_options);
  command.add_option("--azimuth", job.response_options.azimuth,
                     "degrees, for a .sofa file: 0 front, 90 left (default 0)");
  command.add_option("--elevation", job.response_options.elevation,
                     "degrees, for a .sofa file: 90 above (default 0)");
  static const std::map<std::string, RatePolicy> policies{{"resample", RatePolicy::resample},
                                                          {"error", RatePolicy::error}};
  accept_only(command.add_option(
                  "--rate-policy", job.rate_policy,
                  "where the rates differ: resample the response, or error (default resample)"),
              policies);
  static const std::map<std::string, NonFinite> nonfinite{{"error", NonFinite::error},
                                                          {"zero", NonFinite::zero}};
  accept_only(command.add_option_function<NonFinite>(
                  "--nonfinite",
                  [&job](NonFinite choice) {
                    job.source_options.nonfinite = job.response_options.nonfinite = choice;
                  },
                  "NaN and infinity in a file: error, or read as zero (default error)"),
              nonfinite);
  static const std::map<std::string, Truncated> truncated{{"error", Truncated::error},
                                                          {"accept", Truncated::accept}};
  accept_only(command.add_option_function<Truncated>(
                  "--truncated",
                  [&job](Truncated choice) {
                    job.source_options.truncated = job.response_options.truncated = choice;
                  },
                  "a file shorter, or by 4 GiB longer, than its header says: error, or "
                  "accept what is both promised and there (default error)"),
              truncated);
  command.add_flag_callback(
      "--allow-any-format",
      [&job] { job.source_options.formats = job.response_options.formats = Formats::any; },
      kAllowAnyFormat);
}

void add_sound_options(CLI::App& command, Options& options) {
  Job& job = options.job;
  static const std::map<std::string, WetLength> lengths{{"full", WetLength::full},
                                                        {"same", WetLength::same}};
  accept_only(
      command.add_option("--length", job.length,
                         "full keeps the room's tail, same ends with the recording (default full)"),
      lengths);
  static const CLI::Validator decibels(
      [](std::string& text) -> std::string {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(text, value);
        return is_number && std::abs(value) <= 200 ? "" : text + ", expected -200 to 200 dB";
      },
      "");
  command.add_option("-g,--gain", job.gain_db, "dB, the same for both ears")
      ->check(decibels)
      ->type_name("DB");
  // A flag, so that its value needs a "=" and it never takes the file behind it for one.
  command
      .add_flag("--norm{0}", options.norm,
                "peak of the louder ear in dBFS, one factor for both (default 0)")
      ->check(decibels)
      ->type_name("DBFS");
  command.add_option("--wet", job.wet_db, "dB of the convolved signal (default 0)")
      ->check(decibels)
      ->type_name("DB");
  command.add_option("--dry", job.dry_db, "dB of the recording itself (default: none)")
      ->check(decibels)
      ->type_name("DB");
  command.add_option("--predelay", job.predelay, "silence before the response, such as 20ms")
      ->type_name("TIME");
}

void add_output_options(CLI::App& command, Options& options) {
  Job& job = options.job;
  command.add_option("-b,--bits", job.format.bits, "16, 24 or 32 (default 32)");
  static const std::map<std::string, Encoding> encodings{{"pcm", Encoding::pcm},
                                                         {"float", Encoding::ieee_float}};
  accept_only(
      command.add_option("-e,--encoding", job.format.encoding, "pcm or float (default float)"),
      encodings);
  command.add_flag(
      "--no-dither", [&job](std::int64_t) { job.format.is_dithered = false; },
      "round to 16 bits without the noise that keeps quiet ends free of distortion");
  command.add_flag("--no-clobber", job.no_clobber,
                   "refuse to replace OUTPUT, also if it appears meanwhile");
  command.add_flag("--fail-on-clip", options.fail_on_clip, "exit with 5 if samples were clipped");
  command.add_flag("--verify", job.verify,
                   "compare 64 random samples with the definition, in double");
  command.add_flag("--dry-run", job.dry_run, "say what would be done, and leave OUTPUT alone");
  command.add_option("--json", options.json, "write a report to FILE, - for standard output")
      ->type_name("FILE");
  command
      .add_option("--trace", options.trace,
                  "write a timeline to FILE: one row per CPU thread and GPU stream, for "
                  "https://ui.perfetto.dev or chrome://tracing")
      ->type_name("FILE");
  command.add_flag_function(
      "--progress,!--no-progress",
      [&options](std::int64_t wanted) { options.progress = wanted > 0; },
      "how far it is, on standard error (default: on a terminal)");
  command.add_flag("-q,--quiet", options.quiet, "print nothing but warnings and errors");
  command.add_flag("-v,--verbose", options.verbose, "print times of all stages");
}

std::string seconds_of(std::int64_t samples, int rate) {
  return fmt::format("{:.2f} s", static_cast<double>(samples) / rate);
}

std::string place_of(const Choice& choice) {
  if (choice.device) {
    return fmt::format("cuda:{} ({})", choice.device->index, choice.device->name);
  }
  return fmt::format("CPU, {} cores", core_count());
}

void print_plan(const Job& job, const JobReport& report) {
  const int rate = report.source.rate;
  say("source    {}: {}{} samples, {} at {} Hz\n", one_line(job.input),
      report.has_more_source_samples ? "at least " : "", report.source_samples,
      seconds_of(report.source_samples, rate), rate);
  say("response  {}: {}\n", one_line(job.response), one_line(report.response_description));
  if (report.response_rate != rate) {
    say("          converted from {} to {} Hz: {} taps, scaled by {:.4f}\n", report.response_rate,
        rate, report.response_taps, static_cast<double>(report.response_rate) / rate);
  }
  say("method    {} on {}: {}\n", report.choice.method->name, place_of(report.choice),
      report.choice.why);
}

void print_result(const Job& job, const JobReport& report, bool is_verbose) {
  const WriteReport& written = report.written;
  const int rate = report.source.rate;
  say("wet       {}: {} frames, {}, {} {}-bit {}{}\n", one_line(job.output), written.frames,
      seconds_of(written.frames, rate), written.container, report.format.bits,
      report.format.encoding == Encoding::pcm ? "PCM" : "float",
      report.format.is_dithered ? ", dithered" : "");
  say("peak      left {:+.1f} dBFS, right {:+.1f} dBFS\n", dbfs(written.levels.left.peak),
      dbfs(written.levels.right.peak));
  if (report.norm_gain_db) {
    say("norm      {:+.2f} dB to both ears\n", *report.norm_gain_db);
  }
  if (job.verify) {
    say("verified  {} samples against the definition\n", report.verified_samples);
  }
  say("time      {:.3f} s, {:.0f} x real time\n", report.seconds,
      static_cast<double>(report.source_samples) / rate / report.seconds);
  if (!is_verbose) return;
  for (const StageTime& stage : report.render.stages) {
    say("  {:<16}{:.6f} s\n", stage.stage, stage.seconds);
  }
}

void warn_of_mended(const std::string& path, const Mended& mended, const char* noun) {
  if (!mended.shortfall.empty()) print_message("warning", path + ": " + mended.shortfall);
  if (mended.replaced > 0) {
    print_message("warning",
                  fmt::format("{}: {} {}{} NaN or infinite and now 0", path, mended.replaced, noun,
                              mended.replaced == 1 ? " was" : "s were"));
  }
}

/// Levels are never changed behind anybody's back, so they are told.
void print_warnings(const Job& job, const JobReport& report) {
  if (!report.why_fallback.empty()) {
    print_message("warning", report.why_fallback + "; done on the CPU (--fallback cpu)");
  }
  if (!report.calibration_warning.empty()) print_message("warning", report.calibration_warning);
  warn_of_mended(job.input, report.source_mended, "sample");
  warn_of_mended(job.response, report.response_mended, "tap");
  const Stereo<Level>& levels = report.written.levels;
  const double peak = dbfs(std::max(levels.left.peak, levels.right.peak));
  // Rounded up to the tenth that is enough. --norm has the last word of the level.
  const std::string enough =
      job.norm_db ? "--norm"
                  : fmt::format("--gain {:.1f}", job.gain_db - std::ceil(10 * peak) / 10);
  const Stereo<std::int64_t>& clipped = report.written.clipped;
  if (clipped.left + clipped.right > 0) {
    print_message("warning",
                  fmt::format("{}: {} samples clipped (left {}, right {}), peak {:+.1f} dBFS; use "
                              "{} or a float output",
                              job.output, clipped.left + clipped.right, clipped.left, clipped.right,
                              peak, enough));
  } else if (levels.left.over + levels.right.over > 0) {
    print_message("warning",
                  fmt::format("{}: peak {:+.1f} dBFS: this file keeps it, but players will clip; "
                              "{} avoids that",
                              job.output, peak, enough));
  }
}

int render(Options options) {
  watch_gpu(options.gpu_timeout);
  if (!options.norm.empty()) options.job.norm_db = number_in(options.norm);
  refuse_common_outputs(std::array{NamedOutput{"OUTPUT", options.job.output},
                                   NamedOutput{"--json", options.json},
                                   NamedOutput{"--trace", options.trace}});
  std::optional<JsonReport> json;
  if (!options.json.empty()) json.emplace(options.json, options.job);
  std::optional<TraceFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace, options.job);
  std::optional<ProgressBar> bar;
  if (options.progress.value_or(!options.quiet && ::isatty(STDERR_FILENO) != 0)) {
    bar.emplace();
    options.job.watch = [&bar](const Progress& progress) { bar->show(progress); };
  }
  const JobReport report = run_job(options.job);
  bar.reset();
  if (trace) trace->write(report);
  if (!options.quiet) print_plan(options.job, report);
  if (!options.quiet && !options.job.dry_run) print_result(options.job, report, options.verbose);
  print_warnings(options.job, report);
  if (json) json->write(options.job, report);
  const Stereo<std::int64_t>& clipped = report.written.clipped;
  const bool has_clipped = clipped.left + clipped.right > 0;
  return static_cast<int>(has_clipped && options.fail_on_clip ? Exit::clipped : Exit::done);
}

}  // namespace

void add_render(CLI::App& app, RunIt& run_it) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("render", "Convolve a recording with a response at two ears");
  add_files(*command, *options);
  add_method_options(*command, *options);
  add_source_options(*command, *options);
  add_sound_options(*command, *options);
  add_output_options(*command, *options);
  command->callback([&run_it, options] { run_it = [options] { return render(*options); }; });
}

}  // namespace gpuconv
