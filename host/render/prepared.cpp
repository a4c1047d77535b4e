#include "host/render/prepared.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/base/stopwatch.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/method.hpp"
#include "host/render/convolver_cache.hpp"
#include "host/render/cpu_renderer.hpp"
#include "host/render/verification.hpp"
#include "host/room/response_cache.hpp"
#include "host/write/float_store.hpp"

namespace gpuconv {
namespace {

// ---- resolve ----------------------------------------------------------------------------------

/// Rejects an OUTPUT by its name, with more to say than the error of opening it.
void check_output(const Job& job) {
  namespace fs = std::filesystem;
  const std::string& output = job.output;
  std::error_code error;  // a missing file is not a folder
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

/// Rejects what would read a pipe twice.
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

/// Reads the response, converts it to `rate` and applies the mix.
Response prepare_response(const Job& job, int rate, ResponseReport& report) {
  ResponseCache own;
  ResponseCache& cache = job.responses ? *job.responses : own;
  auto response = cache.load(job.response, job.response_options);
  report = {response->description, response->direction, response->repairs,
            response->warnings,    response->rate,      std::ssize(response->taps.left)};
  if (response->rate != rate && job.rate_policy == RatePolicy::error) {
    throw FileError(job.response, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                              response->rate, job.input, rate));
  }
  try {
    response = cache.convert(response, rate);
  } catch (const UsageError& error) {  // it does not know the name of the file
    throw FileError(job.response, error.what());
  }
  Response with_mix = mixed(*response, job.mix);
  report.taps = std::ssize(with_mix.taps.left);
  return with_mix;
}

/// The number of frames of OUTPUT goes into the header of a pipe, if it is known.
std::unique_ptr<WetWriter> open_output(const Prepared& prepared) {
  const Job& job = prepared.job;
  std::optional<std::int64_t> frames = prepared.source->exact_length();
  if (frames && job.length == WetLength::full) {
    *frames += std::ssize(prepared.response.taps.left) - 1 - prepared.response.latency_frames;
  }
  return std::make_unique<WetWriter>(job.output, job.format, prepared.report.source.rate,
                                     OutputOptions{job.no_clobber,
                                                   {job.input, job.response},
                                                   frames,
                                                   job.norm_db ? int{FloatStore::kFrameBytes} : 0,
                                                   job.makes_folder});
}

void choose_method(Prepared& prepared) {
  const Request& request = prepared.job.request;
  JobReport& report = prepared.report;
  const Devices devices = prepared.job.devices ? *prepared.job.devices : devices_for(request);
  check_request(request, devices);
  const auto choose_with = [&](const CostModel& model) {
    report.choice =
        choose(request, prepared.source->length(), report.response.taps, devices, model);
  };
  if (prepared.job.speeds) return choose_with(*prepared.job.speeds);
  CostModel model =
      load_cost_model(pick_device(request.device, devices), report.calibration_warning);
  if (request.is_one_of_many) model.set_gpu_start(0);
  choose_with(model);
}

Prepared resolve_once(const Job& job) {
  Prepared prepared;
  prepared.job = job;
  prepared.source = std::make_unique<MeasuredSource>(job.input, job.source_options);
  MeasuredSource& source = *prepared.source;
  const int rate = source.reader().format().rate;
  prepared.report.source = {
      rate, source.length(), source.has_more(), {0, "", source.reader().remark()}};
  prepared.response = prepare_response(job, rate, prepared.report.response);
  if (!is_special_file(job.output)) prepared.writer = open_output(prepared);
  choose_method(prepared);
  return prepared;
}

Prepared resolve_on_cpu(Job job, const GpuError& error) {
  job.request.method = "auto";
  job.request.device = "cpu";
  Prepared prepared = resolve_once(job);
  prepared.report.why_fallback = error.what();
  return prepared;
}

// ---- run --------------------------------------------------------------------------------------

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Throws GpuError if the file's levels differ from those that the device measured.
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

/// Creates the CUDA context before planning. Returns the seconds that took.
double start_gpu(const Device& device) {
  const auto before = std::chrono::steady_clock::now();
  try {
    use_device(device.index);
  } catch (const std::runtime_error& error) {
    throw GpuError(std::string("GPU: ") + error.what());
  }
  return seconds_since(before);
}

/// Convolves all of `source` and passes the wanted frames to `write`. `written` reports them.
void render_source(Prepared& prepared, MeasuredSource& source, const WriteWet& write,
                   const std::function<WriteReport()>& written) {
  const Job& job = prepared.job;
  const Response& response = prepared.response;
  JobReport& report = prepared.report;
  const std::optional<Device>& device = report.choice.device;
  if (device) report.gpu_start_seconds += start_gpu(*device);
  const auto before = std::chrono::steady_clock::now();
  const Method& method = *report.choice.method;
  ConvolverCache::OnGpu shared;
  std::unique_ptr<Renderer> own;
  if (job.convolvers && device) {
    shared = job.convolvers->take(method, response.taps, source.length(), device->index);
  } else if (job.convolvers && is_vectorised(method)) {
    own = make_cpu_renderer(job.convolvers->find(response.taps));
  } else {
    own = make_renderer(method, response.taps, source.length(), device ? device->index : 0);
  }
  Renderer& renderer = shared.renderer ? *shared.renderer : *own;
  std::optional<Verification> verification;
  if (job.verify) verification.emplace(response.taps, source.least_length());
  FrameRange wanted(response.latency_frames, job.length, write);
  // A GPU's renderer calls the two functions below on two threads, at the same time. What both of
  // them use is made for that: these two, and the verification. The first one has the source for
  // itself, but for its length, which stays; the second one all that has to do with frames.
  SharedStopwatch files;
  std::atomic<std::int64_t> samples_read = 0;
  // The device measures all frames, so the host must, too.
  Stereo<Level> levels;
  const bool are_all_wanted = response.latency_frames == 0 && job.length == WetLength::full;
  report.render = renderer.run(
      [&](std::span<float> block) {
        stop_if_interrupted();
        const std::size_t count = files.time([&] { return source.read(block); });
        samples_read = source.samples_read();
        if (verification) verification->source(block.first(count));
        return count;
      },
      [&](Stereo<std::span<const float>> wet) {
        stop_if_interrupted();
        if (device && !are_all_wanted) measure(wet, levels);
        files.time([&] { wanted(wet, samples_read); });
        if (verification) verification->wet(wet);
        if (job.watch) {
          const WriteReport so_far = written();
          job.watch({samples_read, source.exact_length(), report.source.rate, so_far.levels,
                     so_far.clipped});
        }
      });
  report.convolve_seconds = seconds_since(before) - files.seconds();
  const SourceReader& reader = source.reader();
  report.source = {report.source.rate,
                   report.render.source_samples,
                   false,
                   {reader.replaced(), reader.shortfall(), reader.remark()}};
  if (report.render.device_levels) {
    check_levels(*report.render.device_levels, are_all_wanted ? written().levels : levels);
  }
  if (verification) {
    verification->check(method);
    report.verified_samples = verification->samples();
  }
  if (shared.renderer) job.convolvers->give_back(std::move(shared));
}

/// Knows the peak before it writes the first frame: keeps all frames in a file, or renders twice.
void render_normalised(Prepared& prepared) {
  const Job& job = prepared.job;
  WriteReport rendered;
  std::optional<FloatStore> store;
  if (!is_special_file(job.output)) store.emplace(job.output);
  const auto keep = [&](Stereo<std::span<const float>> wet) {
    measure(wet, rendered.levels);
    rendered.frames += std::ssize(wet.left);
    if (store) store->write(wet);
  };
  render_source(prepared, *prepared.source, keep, [&] { return rendered; });
  const double peak = std::max(rendered.levels.left.peak, rendered.levels.right.peak);
  const double factor = peak > 0 ? amplitude(*job.norm_db) / peak : 1;
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
    prepared.writer->write({scaled.left, scaled.right});
  };
  if (store) {
    store->read(write_scaled);
  } else {
    MeasuredSource again(job.input, job.source_options);
    render_source(prepared, again, write_scaled, [&] { return rendered; });
  }
}

JobReport run_once(Prepared prepared, std::optional<OutputFile>* unpublished) {
  if (!prepared.writer) prepared.writer = open_output(prepared);
  WetWriter& writer = *prepared.writer;
  if (prepared.job.norm_db) {
    render_normalised(prepared);
  } else {
    render_source(
        prepared, *prepared.source, [&](Stereo<std::span<const float>> wet) { writer.write(wet); },
        [&] { return writer.report(); });
  }
  stop_if_interrupted();
  if (unpublished != nullptr) {
    unpublished->emplace(writer.complete());
    prepared.report.written = writer.report();
  } else {
    prepared.report.written = writer.finish();
  }
  prepared.report.seconds = seconds_since(prepared.start);
  return std::move(prepared.report);
}

}  // namespace

Prepared resolve(const Job& job) {
  check_pipes(job);
  check_output(job);
  try {
    return resolve_once(job);
  } catch (const GpuError& error) {
    if (!job.falls_back_to_cpu) throw;
    return resolve_on_cpu(job, error);
  }
}

JobReport run(Prepared prepared, std::optional<OutputFile>* unpublished) {
  const Job job = prepared.job;
  const auto start = prepared.start;
  try {
    return run_once(std::move(prepared), unpublished);
  } catch (const GpuError& error) {
    if (!job.falls_back_to_cpu) throw;
    Prepared again = resolve_on_cpu(job, error);
    again.start = start;  // the attempt took time, too
    return run_once(std::move(again), unpublished);
  }
}

}  // namespace gpuconv
