#include "host/render/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <system_error>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/base/stopwatch.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/method.hpp"
#include "host/read/measured_source.hpp"
#include "host/render/verification.hpp"
#include "host/room/mix.hpp"
#include "host/write/float_store.hpp"

namespace gpuconv {
namespace {

/// RESPONSE at the rate of the recording, with all that is asked of the wet signal.
Response prepared_response(const Job& job, int rate, JobReport& report) {
  auto response = job.responses->load(job.response, job.response_options);
  report.response_description = response->description;
  report.response_repairs = response->repairs;
  report.response_warnings = response->warnings;
  report.response_rate = response->rate;
  report.response_file_taps = std::ssize(response->taps.left);
  const Mix mix{job.gain_db, job.wet_db, job.dry_db,
                parse_duration(job.predelay, rate, "--predelay")};
  if (response->rate != rate && job.rate_policy == RatePolicy::error) {
    throw FileError(job.response, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                              response->rate, job.input, rate));
  }
  try {
    response = job.responses->convert(response, rate);
  } catch (const UsageError& error) {  // it knows no name of a file
    throw FileError(job.response, error.what());
  }
  Response mix_response = mixed(*response, mix);
  report.response_taps = std::ssize(mix_response.taps.left);
  return mix_response;
}

/// Frames of OUTPUT, if N is known.
std::optional<std::int64_t> wet_frames(std::optional<std::int64_t> N, const Response& response,
                                       WetLength length) {
  if (!N || length == WetLength::same) return N;
  return *N + static_cast<std::int64_t>(response.taps.left.size()) - 1 - response.latency_frames;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the device counted must be what was written: nothing was lost on the way.
void check_levels(const Stereo<Level>& device, const Stereo<Level>& written) {
  for (const Side side : kSides) {
    if (device[side].peak != written[side].peak || device[side].over != written[side].over) {
      throw GpuError(
          fmt::format("the {} ear's peak was {} on the device and is {} in the file (above full "
                      "scale: {} and {} "
                      "samples): frames were damaged on the way",
                      name(side), device[side].peak, written[side].peak, device[side].over,
                      written[side].over));
    }
  }
}

/// Creates the CUDA context, which would else be a part of planning. Seconds.
double start_gpu(const Device& device) {
  const auto before = std::chrono::steady_clock::now();
  try {
    use_device(device.index);
  } catch (const std::runtime_error& error) {
    throw GpuError(std::string("GPU: ") + error.what());
  }
  return seconds_since(before);
}

/// Everything about a job that is settled before the first sample is convolved.
struct Prepared {
  const Job& job;
  JobReport& report;
  const Response& response;
  int rate;  ///< Hz
};

/// Convolves all of `source` and hands the frames that are wanted on. Adds to the report.
void render(const Prepared& prepared, MeasuredSource& source, const WriteWet& write,
            const std::function<WriteReport()>& written) {
  const auto& [job, report, response, rate] = prepared;
  const std::optional<Device>& device = report.choice.device;
  if (device) report.gpu_start_seconds += start_gpu(*device);
  const auto before = std::chrono::steady_clock::now();
  const std::unique_ptr<Renderer> renderer = make_renderer(
      *report.choice.method, response.taps, source.length(), device ? device->index : 0);
  std::optional<Verification> verification;
  if (job.verify) verification.emplace(response.taps, source.least_length());
  FrameRange window(response.latency_frames, job.length, write);
  Stopwatch files;
  // Of all frames, also of those that are not wanted: the device counts these, too.
  Stereo<Level> levels;
  const bool are_all_wanted = response.latency_frames == 0 && job.length == WetLength::full;
  report.render = renderer->run(
      [&](std::span<float> block) {
        stop_if_interrupted();
        const std::size_t count = files.time([&] { return source.read(block); });
        if (verification) verification->source(block.first(count));
        return count;
      },
      [&](Stereo<std::span<const float>> wet) {
        stop_if_interrupted();
        if (device && !are_all_wanted) measure(wet, levels);
        files.time([&] { window(wet, source.samples_read()); });
        if (verification) verification->wet(wet);
        if (job.watch) {
          const WriteReport so_far = written();
          job.watch(
              {source.samples_read(), source.exact_length(), rate, so_far.levels, so_far.clipped});
        }
      });
  report.convolve_seconds = seconds_since(before) - files.seconds();
  report.source_samples = report.render.source_samples;
  report.has_more_source_samples = false;
  report.source_repairs = {source.reader().replaced(), source.reader().shortfall(),
                           source.reader().remark()};
  if (report.render.device_levels) {
    check_levels(*report.render.device_levels, are_all_wanted ? written().levels : levels);
  }
  if (verification) {
    verification->check(*report.choice.method);
    report.verified_samples = verification->samples();
  }
}

/// Renders twice or through a file, so that the peak is known before the first frame is written.
void render_normalised(const Prepared& prepared, MeasuredSource& source, WetWriter& writer) {
  WriteReport rendered;
  std::optional<FloatStore> store;
  if (!is_special_file(prepared.job.output)) store.emplace(prepared.job.output);
  const auto keep = [&](Stereo<std::span<const float>> wet) {
    measure(wet, rendered.levels);
    rendered.frames += std::ssize(wet.left);
    if (store) store->write(wet);
  };
  render(prepared, source, keep, [&] { return rendered; });
  const double peak = std::max(rendered.levels.left.peak, rendered.levels.right.peak);
  const double factor = peak > 0 ? amplitude(*prepared.job.norm_db) / peak : 1;
  prepared.report.norm_gain_db = 20 * std::log10(factor);
  Stereo<Signal> scaled;
  const auto write_scaled = [&](Stereo<std::span<const float>> wet) {
    stop_if_interrupted();
    for (const Side side : kSides) {
      scaled[side].resize(wet[side].size());
      std::ranges::transform(wet[side], scaled[side].begin(), [&](float sample) {
        return static_cast<float>(factor * double{sample});
      });
    }
    writer.write({scaled.left, scaled.right});
  };
  if (store) {
    store->read(write_scaled);
  } else {
    MeasuredSource again(prepared.job.input, prepared.job.source_options);
    render(prepared, again, write_scaled, [&] { return rendered; });
  }
}

JobReport run_once(const Job& job) {
  const auto start = std::chrono::steady_clock::now();
  JobReport report;

  MeasuredSource source(job.input, job.source_options);
  report.source = source.reader().format();
  report.source_repairs.remark = source.reader().remark();
  const int rate = report.source.rate;

  const Response response = prepared_response(job, rate, report);

  // Opening a pipe would already be an act; what is a file is checked and left alone.
  std::optional<WetWriter> writer;
  if (!job.dry_run || !is_special_file(job.output)) {
    const auto frames = wet_frames(source.exact_length(), response, job.length);
    writer.emplace(job.output, job.format, rate,
                   OutputOptions{job.no_clobber,
                                 {job.input, job.response},
                                 frames,
                                 job.norm_db ? FloatStore::kFrameBytes : 0,
                                 job.makes_folder});
    report.format = writer->format();
  }

  const Devices devices = job.devices ? *job.devices : devices_for(job.request);
  check_request(job.request, devices);
  CostModel model =
      load_cost_model(pick_device(job.request.device, devices), report.calibration_warning);
  if (job.request.is_one_of_many) model.set_gpu_start(0);
  report.choice = choose(job.request, source.length(), report.response_taps, devices, model);
  report.source_samples = source.length();
  report.has_more_source_samples = source.has_more();
  if (job.dry_run) return report;

  const Prepared prepared{job, report, response, rate};
  if (job.norm_db) {
    render_normalised(prepared, source, *writer);
  } else {
    render(
        prepared, source, [&](Stereo<std::span<const float>> wet) { writer->write(wet); },
        [&] { return writer->report(); });
  }
  stop_if_interrupted();
  report.written = writer->finish();
  report.seconds = seconds_since(start);
  return report;
}

/// What is wrong with the name of OUTPUT alone, where more can be said than when it is opened.
void check_output(const Job& job) {
  namespace fs = std::filesystem;
  const std::string& output = job.output;
  std::error_code error;  // what is not there is no other file, and no folder
  if (is_special_file(output)) return;
  if (output.ends_with('/')) {
    throw UsageError(output + ": names a folder; the name of a file is needed");
  }
  if (!fs::path(output).has_extension() && !fs::is_directory(output, error)) {
    throw UsageError(output + ": has no extension, such as .wav");
  }
  const fs::path folder = fs::path(output).parent_path();
  if (!folder.empty() && !job.makes_folder &&
      fs::status(folder, error).type() == fs::file_type::not_found) {
    throw FileError(output, fmt::format("folder '{}' does not exist", folder.string()));
  }
  if (is_same_file(output, job.response)) {
    throw FileError(output, fmt::format("is the same file as the response '{}'", job.response));
  }
}

/// Refuses what needs to read a pipe twice.
void check_pipes(const Job& job) {
  if (job.response == "-") {
    throw UsageError(
        "-: standard input is for INPUT; RESPONSE needs a file, or a pipe with a name");
  }
  const bool from_pipe = is_special_file(job.input);
  const bool to_pipe = is_special_file(job.output);
  if (job.norm_db && from_pipe && to_pipe) {
    throw UsageError(
        fmt::format("--norm cannot go from {} to {}: give one of them a file name, or use --gain",
                    input_name(job.input), job.output == "-" ? "standard output" : job.output));
  }
  if (job.falls_back_to_cpu && (from_pipe || to_pipe)) {
    throw UsageError("--fallback cpu starts again from the beginning, which a pipe cannot");
  }
}

}  // namespace

JobReport run_job(const Job& asked) {
  check_pipes(asked);
  check_output(asked);
  Job job = asked;
  if (!job.responses) job.responses = std::make_shared<ResponseCache>();
  try {
    return run_once(job);
  } catch (const GpuError& error) {
    if (!job.falls_back_to_cpu) throw;
    job.request.method = "auto";
    job.request.device = "cpu";
    JobReport report = run_once(job);
    report.why_fallback = error.what();
    return report;
  }
}

}  // namespace gpuconv
