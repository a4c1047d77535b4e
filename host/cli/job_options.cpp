#include "host/cli/job_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>

#include "host/base/error.hpp"
#include "host/base/levels.hpp"
#include "host/cli/choices.hpp"
#include "host/cli/cli.hpp"
#include "host/cli/message.hpp"
#include "host/cli/sofa_options.hpp"
#include "host/cli/usage.hpp"
#include "host/read/audio_format.hpp"
#include "host/render/watchdog.hpp"

namespace gpuconv {
namespace {

/// "500MB", "1.5 GiB", "2G", "4096": bytes. Throws UsageError.
std::uint64_t bytes_in(const std::string& option, const std::string& text) {
  double bytes = 0;
  const char* const end = text.data() + text.size();
  const char* rest = std::from_chars(text.data(), end, bytes).ptr;
  std::string unit;
  for (; rest != end; ++rest) {
    if (*rest != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*rest)));
  }
  if (unit.ends_with('B')) unit.pop_back();
  const double thousand = unit.size() == 2 && unit.back() == 'I' ? 1024 : 1000;
  const std::size_t power = unit.empty() ? 0 : std::string_view("KMGTPE").find(unit.front()) + 1;
  const bool is_unit = unit.size() < 2 || thousand == 1024;
  bytes *= std::pow(thousand, static_cast<double>(power));
  if (!is_unit || (power == 0 && !unit.empty()) || !(bytes >= 1) || bytes > 0x1p60) {
    throw UsageError(option + " " + text + ": is not a size such as 500MB or 2GiB");
  }
  return static_cast<std::uint64_t>(bytes);
}

/// "rms=-26". Throws UsageError.
TargetLevel level_in(const std::string& text) {
  // Below, all blocks of a loudness could be under its gate at -70 LUFS.
  constexpr double kLeastLufs = -60;
  const std::string kind = text.substr(0, text.find('='));
  const char* const begin = text.data() + std::min(text.size(), kind.size() + 1);
  const char* const end = text.data() + text.size();
  TargetLevel target;
  const auto [rest, error] = std::from_chars(begin, end, target.level);
  for (const auto each :
       {TargetLevel::Kind::peak, TargetLevel::Kind::rms, TargetLevel::Kind::lufs}) {
    if (kind != name(each) || error != std::errc() || rest != end) continue;
    target.kind = each;
    const double least = each == TargetLevel::Kind::lufs ? kLeastLufs : -kMostDecibels;
    if (target.level >= least && target.level <= kMostDecibels) return target;
    throw UsageError(fmt::format("--level {}: expected {} from {:.0f} to {:.0f}", text, unit(each),
                                 least, kMostDecibels));
  }
  throw UsageError("--level " + text + ": expected peak=DB, rms=DB or lufs=DB, such as rms=-26");
}

void add_method_options(CLI::App& command, JobOptions& options) {
  Request& request = options.job.request;
  command
      .add_option("-m,--method", request.method, "Method, a name from 'gpuconv methods' or auto")
      ->type_name("METHOD")
      ->capture_default_str();
  command.add_option("--device", request.device, "Processor: auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--max-gpu-mem",
          [](const std::string& size) { limit_gpu_memory(bytes_in("--max-gpu-mem", size)); },
          "Limit of device memory for buffers, such as 500MB or 2GiB (cuFFT's own not counted)")
      ->type_name("SIZE");
  accept_whole_number(
      command
          .add_option("--gpu-timeout", options.gpu_timeout,
                      "Longest wait for a GPU that does not answer (default 60; 0: for ever)")
          ->type_name("SECONDS"),
      0, 1'000'000);
  static const std::map<std::string, bool> fallbacks{{"cpu", true}, {"none", false}};
  accept_only(command.add_option("--fallback", options.job.falls_back_to_cpu,
                                 "Processor that takes over where the GPU fails (default none)"),
              fallbacks);
  command.add_flag("--force-slow", request.allows_hopeless,
                   "Permission for a method that takes hours");
  command.option_defaults()->group("Reports");
}

void add_raw_options(CLI::App& command, SourceOptions& options) {
  const auto raw = [&options]() -> RawFormat& {
    if (!options.raw) options.raw.emplace();
    return *options.raw;
  };
  CLI::Option* const rate = command
                                .add_option_function<int>(
                                    "--raw-rate", [raw](int hertz) { raw().rate = hertz; },
                                    "Sample rate of an INPUT without a header")
                                ->type_name("HZ");
  accept_whole_number(rate, kMinRate, kMaxRate);
  static const std::map<std::string, RawEncoding> encodings{
      {"u8", RawEncoding::u8},   {"s16", RawEncoding::s16}, {"s24", RawEncoding::s24},
      {"s32", RawEncoding::s32}, {"f32", RawEncoding::f32}, {"f64", RawEncoding::f64}};
  CLI::Option* const format = command.add_option_function<RawEncoding>(
      "--raw-format", [raw](RawEncoding encoding) { raw().encoding = encoding; },
      "Encoding of such samples, little-endian (default s16)");
  accept_only(format, encodings);
  format->needs(rate);
  CLI::Option* const channels = command.add_option_function<int>(
      "--raw-channels", [raw](int count) { raw().channels = count; },
      "Channels of such samples (default 1)");
  accept_whole_number(channels->type_name("N")->needs(rate), 1, kMaxChannels);
}

void add_source_options(CLI::App& command, Job& job) {
  command.option_defaults()->group("Input");
  CLI::Option* const channel =
      command
          .add_option("--channel", job.source_options.channel,
                      "Channel to convolve of a recording with several, from 1")
          ->type_name("N");
  accept_whole_number(channel, 1, kMaxChannels);
  for (const char* const other : {"--layout", "--routing"}) {
    if (CLI::Option* const option = command.get_option_no_throw(other)) channel->excludes(option);
  }
  add_raw_options(command, job.source_options);
}

void add_file_options(CLI::App& command, Job& job) {
  command.option_defaults()->group("Input and response");
  static const std::map<std::string, NonFinite> nonfinite{{"error", NonFinite::error},
                                                          {"zero", NonFinite::zero}};
  accept_only(command.add_option_function<NonFinite>(
                  "--nonfinite",
                  [&job](NonFinite choice) {
                    job.source_options.nonfinite = job.response_options.nonfinite = choice;
                  },
                  "NaN and infinity in a file: an error, or zero (default error)"),
              nonfinite);
  static const std::map<std::string, Truncated> truncated{{"error", Truncated::error},
                                                          {"accept", Truncated::accept}};
  accept_only(command.add_option_function<Truncated>(
                  "--truncated",
                  [&job](Truncated choice) {
                    job.source_options.truncated = job.response_options.truncated = choice;
                  },
                  "A truncated file or a wrong header: an error, or use of the readable part "
                  "(default error)"),
              truncated);
  command.add_flag_callback(
      "--allow-any-format",
      [&job] { job.source_options.formats = job.response_options.formats = Formats::any; },
      kAllowAnyFormat);
}

void add_response_options(CLI::App& command, Job& job) {
  add_interpolation_option(command, job.response_options.sofa);
  add_ear_options(command, job.response_options.sofa);
  command.add_flag("--both-ears", job.response_options.both_ears,
                   "Both ears get the channel of a RESPONSE that has only one");
  static const std::map<std::string, RatePolicy> policies{{"resample", RatePolicy::resample},
                                                          {"error", RatePolicy::error}};
  accept_only(command.add_option("--rate-policy", job.rate_policy,
                                 "Response at another rate than INPUT (default resample)"),
              policies);
  command
      .add_option("--then", job.then,
                  "Second response that all is heard through, such as a filter for headphones")
      ->type_name("FILE");
  command
      .add_option("--response-start", job.crop.start,
                  "Response from so long after its begin on, such as 2ms, 0.002s or 96smp")
      ->type_name("TIME");
  command
      .add_option("--response-length", job.crop.length,
                  "So much of it, both ears alike (default: all)")
      ->type_name("TIME");
  command
      .add_option("--response-fade", job.crop.fade, "Its last taps fade to silence in this time")
      ->type_name("TIME");
}

/// "50ms" is 50, and so is "0.05s"; another text stays.
std::string in_milliseconds(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (error != std::errc()) return text;
  if (unit == "ms") return text.substr(0, text.size() - unit.size());
  return unit == "s" ? fmt::format("{}", 1000 * number) : text;
}

void add_sound_options(CLI::App& command, JobOptions& options) {
  Job& job = options.job;
  static const std::map<std::string, WetLength> lengths{{"full", WetLength::full},
                                                        {"same", WetLength::same}};
  accept_only(command.add_option(
                  "--length", job.length,
                  "End of OUTPUT: with the room's tail, or with the recording (default full)"),
              lengths);
  static const std::map<std::string, Align> aligns{{"none", Align::none},
                                                   {"direct", Align::direct}};
  accept_only(command.add_option("--align", job.align,
                                 "Direct sound in time with the recording, for both ears alike "
                                 "(default none)"),
              aligns);
  const auto milliseconds = [](CLI::Option* option) {
    accept_number(option->type_name("MS"), 0, 60'000, "ms");
    option->transform(in_milliseconds);  // the last one is the first that is done
  };
  milliseconds(command.add_option("--early", options.early_ms,
                                  "Second output, NAME.early.EXT: the response up to so long after "
                                  "its direct sound, as 50, 50ms or 0.05s"));
  milliseconds(command.add_option("--late", options.late_ms,
                                  "Second output, NAME.late.EXT: the response from so long after "
                                  "its direct sound on"));
  const auto decibels = [](CLI::Option* option, const char* type) {
    accept_number(option->type_name(type), -kMostDecibels, kMostDecibels, "dB");
  };
  CLI::Option* const gain = command.add_option("-g,--gain", job.mix.gain_db,
                                               "Gain of both ears; not with --norm or --level");
  decibels(gain, "DB");
  // A flag, so that its value needs a "=" and it never takes the next file for one.
  CLI::Option* const norm =
      command.add_flag("--norm{0}", options.norm,
                       "Peak of the louder ear after one factor for both ears (default 0)");
  decibels(norm, "DBFS");
  norm->excludes(gain);
  command
      .add_option("--level", options.level,
                  "Level of the result by one factor for both ears, such as peak=-1, rms=-26 "
                  "(dBFS) or lufs=-23")
      ->type_name("KIND=DB")
      ->excludes(gain)
      ->excludes(norm);
  command.add_flag("--unit-energy", job.mix.has_unit_energy,
                   "Response scaled to unit energy, the mean of both ears");
  decibels(command.add_option("--wet", job.mix.wet_db, "Level of the convolved signal (default 0)"),
           "DB");
  decibels(command.add_option(
               "--dry", job.mix.dry_db,
               "Level of the recording itself, a stereo one on its sides (default: none)"),
           "DB");
  command
      .add_option("--predelay", job.mix.predelay,
                  "Silence before the response, such as 20ms, 0.02s or 320smp (samples)")
      ->type_name("TIME");
}

void add_output_options(CLI::App& command, JobOptions& options) {
  Job& job = options.job;
  static const std::map<std::string, int> depths{{"16", 16}, {"24", 24}, {"32", 32}};
  accept_whole_number(command
                          .add_option("--output-rate", job.output_rate,
                                      "Sample rate of OUTPUT (default: that of the recording)")
                          ->type_name("HZ"),
                      kMinRate, kMaxRate);
  accept_only(command.add_option("-b,--bits", job.format.bits, "Output bit depth (default 32)"),
              depths);
  static const std::map<std::string, Channels> channels{{"both", Channels::both},
                                                        {"left", Channels::left},
                                                        {"right", Channels::right},
                                                        {"mono", Channels::mono}};
  accept_only(command.add_option("--channels", job.format.channels,
                                 "Ears in OUTPUT: both, one, or their mean (default both)"),
              channels);
  static const std::map<std::string, Encoding> encodings{{"pcm", Encoding::pcm},
                                                         {"float", Encoding::ieee_float}};
  accept_only(
      command.add_option("-e,--encoding", job.format.encoding, "Output encoding (default float)"),
      encodings);
  command.add_flag(
      "--no-dither", [&job](std::int64_t count) { job.format.is_dithered = count <= 0; },
      "16 bits without the noise that keeps quiet ends free of distortion");
  command.add_flag("--no-clobber", job.no_clobber,
                   "An error instead of replacing a file that exists");
  command.add_flag("--fail-on-clip", options.fail_on_clip, "Exit code 5 if samples were clipped");
  command.option_defaults()->group("Reports");
  command.add_flag("-q,--quiet", options.quiet, "Only warnings and errors");
}

void add_common_options(CLI::App& command, JobOptions& options) {
  command.option_defaults()->group("Reports");
  command.add_flag("--verify", options.job.verify,
                   "Comparison of 64 random samples with the definition in double");
  command.option_defaults()->group("Levels and length");
  add_sound_options(command, options);
  command.option_defaults()->group("Output");
  add_output_options(command, options);
  command.option_defaults()->group("Method and device");
  add_method_options(command, options);
}

}  // namespace

void add_job_options(CLI::App& command, JobOptions& options) {
  Job& job = options.job;
  add_source_options(command, job);
  add_file_options(command, job);
  command.option_defaults()->group("Response");
  add_measurement_options(command, job.response_options.sofa);
  add_response_options(command, job);
  add_common_options(command, options);
}

void add_scene_options(CLI::App& command, JobOptions& options) {
  add_file_options(command, options.job);
  command.option_defaults()->group("Response");
  add_response_options(command, options.job);
  add_common_options(command, options);
}

void add_routing_options(CLI::App& command, JobOptions& options) {
  command.option_defaults()->group("Input");
  static const std::map<std::string, Layout> layouts{
      {"auto", Layout::automatic}, {"pairs", Layout::pairs}, {"hesuvi", Layout::hesuvi}};
  CLI::Option* const layout =
      command.add_option("--layout", options.job.layout,
                         "Channels of RESPONSE for an INPUT of several: left and right ear of "
                         "each, or HeSuVi's order (default auto)");
  accept_only(layout, layouts);
  command
      .add_option_function<std::string>(
          "--routing",
          [&job = options.job](const std::string& text) { job.routing = routing_in(text); },
          "Channels of RESPONSE for each channel of INPUT, such as '1:1,2 2:3,4'")
      ->type_name("ROUTES")
      ->excludes(layout);
}

void add_movement_options(CLI::App& command, JobOptions& options) {
  command.option_defaults()->group("Response");
  if (!command.get_option_no_throw("SCENE")) {
    command
        .add_option("--trajectory", options.job.trajectory,
                    "CSV of time, azimuth, elevation and distance: a source that moves, in a .sofa "
                    "file")
        ->type_name("FILE");
  }
  command
      .add_option("--head", options.job.head,
                  "CSV of time, yaw, pitch and roll: a head that turns, in a .sofa file")
      ->type_name("FILE");
  command.option_defaults()->group("Reports");
}

void add_noise_options(CLI::App& command, JobOptions& options) {
  const auto noise = [&job = options.job]() -> Noise& {
    if (!job.noise) job.noise.emplace();
    return *job.noise;
  };
  command.option_defaults()->group("Noise");
  CLI::Option* const file =
      command
          .add_option_function<std::string>(
              "--noise", [noise](const std::string& path) { noise().file = path; },
              "Recording of noise for both ears, added to the wet sound; 1 or 2 channels")
          ->type_name("FILE");
  CLI::Option* const snr = command.add_option_function<double>(
      "--snr", [noise](double decibels) { noise().snr_db = decibels; },
      "Power of the wet sound over that of the noise, in the whole of OUTPUT");
  accept_number(snr->type_name("DB"), -kMostDecibels, kMostDecibels, "dB");
  CLI::Option* const start = command.add_option_function<double>(
      "--noise-start", [noise](double seconds) { noise().start_seconds = seconds; },
      "Begin of the noise in its file, which goes on from its begin after its end (default 0)");
  accept_number(start->type_name("SECONDS"), 0, 1e6, "s");
  file->needs(snr);
  snr->needs(file);
  start->needs(file);
  command.option_defaults()->group("Reports");
}

JobOptions job_options_of(const std::vector<std::string>& arguments) {
  JobOptions options;
  options.gpu_timeout = 0;
  CLI::App command;
  add_routing_options(command, options);
  add_job_options(command, options);
  add_movement_options(command, options);
  add_noise_options(command, options);
  parse_arguments(command, arguments);
  settle(options);
  return options;
}

void settle(JobOptions& options) {
  watch_gpu(options.gpu_timeout);
  if (!options.level.empty()) options.job.level = level_in(options.level);
  options.job.stretches.clear();
  if (options.early_ms) options.job.stretches.push_back({Stretch::early, *options.early_ms});
  if (options.late_ms) options.job.stretches.push_back({Stretch::late, *options.late_ms});
  if (options.norm.empty()) return;
  double norm = 0;  // what the parser let pass, also where it is too small for std::stod
  std::from_chars(options.norm.data(), options.norm.data() + options.norm.size(), norm);
  options.job.level = TargetLevel{TargetLevel::Kind::peak, norm, "--norm"};
}

}  // namespace gpuconv
