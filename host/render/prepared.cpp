#include "host/render/prepared.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
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
#include "host/render/noise_mix.hpp"
#include "host/render/target_meter.hpp"
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

/// Whether something has to be measured before the first frame can be written.
bool needs_whole_result(const Job& job) { return job.level || job.noise; }

/// Rejects what would read a pipe twice.
void check_pipes(const Job& job) {
  if (job.response == "-") {
    throw UsageError(
        "-: standard input is for INPUT; RESPONSE needs a file, or a pipe with a name");
  }
  const bool from_pipe = job.source_options.is_command || is_special_file(job.input);
  const bool to_pipe = is_special_file(job.output);
  if (needs_whole_result(job) && from_pipe && to_pipe) {
    throw UsageError(fmt::format("{} cannot go from {} to {}: give one of them a file name{}",
                                 job.level ? job.level->option : "--noise", input_name(job.input),
                                 job.output == "-" ? "standard output" : job.output,
                                 job.noise ? "" : ", or use --gain"));
  }
  if (job.falls_back_to_cpu && (from_pipe || to_pipe)) {
    throw UsageError("--fallback cpu starts again from the beginning, which a pipe cannot");
  }
  if (job.early_ms && (from_pipe || to_pipe)) {
    throw UsageError(
        from_pipe ? "--early reads INPUT twice, which a pipe or a command cannot"
                  : "--early writes a second file beside OUTPUT, which has to be a file, too");
  }
}

BackgroundOptions background_options(const Job& job) {
  const SourceOptions& source = job.source_options;
  return {source.nonfinite, source.truncated, source.formats, job.sounds};
}

/// How many taps the second output is made with: up to the one that is `early_ms` after the direct
/// sound, or all.
std::int64_t early_taps(const Job& job, const Response& response, std::int64_t direct_sound) {
  const auto after = std::llround(*job.early_ms * response.rate / 1000);
  const std::int64_t arrival = response.latency_frames + direct_sound +
                               parse_duration(job.mix.predelay, response.rate, "--predelay");
  return std::min<std::int64_t>(arrival + after + 1, std::ssize(response.taps.left));
}

/// Reads the response, converts it to `rate` and applies alignment and mix.
Response prepare_response(const Job& job, int rate, JobReport& report) {
  ResponseCache own;
  ResponseCache& cache = job.responses ? *job.responses : own;
  auto response = cache.load(job.response, job.response_options);
  report.response = {response->description,
                     response->direction,
                     response->repairs,
                     response->warnings,
                     response->far,
                     response->rate,
                     std::ssize(response->taps.left)};
  if (response->rate != rate && job.rate_policy == RatePolicy::error) {
    throw FileError(job.response, fmt::format("{} Hz, but {} has {} Hz (--rate-policy error)",
                                              response->rate, job.input, rate));
  }
  try {
    response = cache.convert(response, rate);
  } catch (const UsageError& error) {  // it does not know the name of the file
    throw FileError(job.response, error.what());
  }
  if (job.mix.has_unit_energy) {
    report.response.unit_energy_gain_db = dbfs(unit_energy_factor(*response));
  }
  const std::int64_t direct_sound = std::llround(response->direct_sound);
  report.response.direct_sound = direct_sound;
  Response prepared = *response;
  // The dry signal, which mixed() puts at time zero, meets the direct sound.
  if (job.align == Align::direct) prepared.latency_frames += static_cast<int>(direct_sound);
  prepared = mixed(std::move(prepared), job.mix);
  report.response.taps = std::ssize(prepared.taps.left);
  if (job.early_ms) {
    const std::int64_t still_to_come = job.align == Align::direct ? 0 : direct_sound;
    report.early_taps = early_taps(job, prepared, still_to_come);
  }
  return prepared;
}

/// Of OUTPUT, if the source's length is known.
std::optional<std::int64_t> output_frames(const Prepared& prepared) {
  std::optional<std::int64_t> frames = prepared.source->exact_length();
  if (frames && prepared.job.length == WetLength::full) {
    *frames += std::ssize(prepared.response.taps.left) - 1 - prepared.response.latency_frames;
  }
  return frames;
}

/// Opens OUTPUT, and the second one. The number of frames goes into the header of a pipe, if it is
/// known.
void open_outputs(Prepared& prepared) {
  const Job& job = prepared.job;
  OutputOptions options{job.no_clobber, job.inputs(), output_frames(prepared),
                        needs_whole_result(job) ? int{FloatStore::kFrameBytes} : 0,
                        job.makes_folder};
  const auto open = [&](const std::string& path) {
    return std::make_unique<WetWriter>(path, job.format, prepared.report.source.rate, options);
  };
  prepared.writer = open(job.output);
  if (!job.early_ms) return;
  options.inputs.push_back(job.output);  // which a link could lead to
  options.frame_bytes_beside += prepared.writer->frame_bytes();
  prepared.early_writer = open(early_output(job.output));
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
  prepared.response = prepare_response(job, rate, prepared.report);
  if (job.noise) check_noise(*job.noise, background_options(job), rate);
  const std::int64_t any = std::numeric_limits<std::int64_t>::max();
  if (job.level) {
    check_length(*job.level, job.output, output_frames(prepared).value_or(any), rate);
  }
  if (!is_special_file(job.output)) open_outputs(prepared);
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

/// One convolution of the whole source.
struct Pass {
  const Stereo<Signal>& taps;
  WriteWet write;                        ///< takes the wanted frames
  std::function<WriteReport()> written;  ///< reports what `write` got
  bool is_watched = true;
};

RenderReport render_source(Prepared& prepared, MeasuredSource& source, const Pass& pass) {
  const Job& job = prepared.job;
  const std::int64_t latency = prepared.response.latency_frames;
  JobReport& report = prepared.report;
  const std::optional<Device>& device = report.choice.device;
  if (device) report.gpu_start_seconds += start_gpu(*device);
  const auto before = std::chrono::steady_clock::now();
  const Method& method = *report.choice.method;
  ConvolverCache::OnGpu shared;
  std::unique_ptr<Renderer> own;
  if (job.convolvers && device) {
    shared = job.convolvers->take(method, pass.taps, source.length(), device->index);
  } else if (job.convolvers && is_vectorised(method)) {
    own = make_cpu_renderer(job.convolvers->find(pass.taps));
  } else {
    own = make_renderer(method, pass.taps, source.length(), device ? device->index : 0);
  }
  Renderer& renderer = shared.renderer ? *shared.renderer : *own;
  std::optional<Verification> verification;
  if (job.verify) verification.emplace(pass.taps, source.least_length());
  Signal mean;
  FrameRange wanted(latency, job.length, [&](Stereo<std::span<const float>> wet) {
    pass.write(pick(wet, job.format.channels, mean));
  });
  // A GPU's renderer calls the two functions below on two threads, at the same time. What both of
  // them use is made for that: these two, and the verification. The first one has the source for
  // itself, but for its length, which stays; the second one all that has to do with frames.
  SharedStopwatch files;
  std::atomic<std::int64_t> samples_read = 0;
  // The device measures all frames of both ears, so the host must, too.
  Stereo<Level> levels;
  const bool are_all_wanted =
      latency == 0 && job.length == WetLength::full && job.format.channels == Channels::both;
  RenderReport rendered = renderer.run(
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
        if (job.watch && pass.is_watched) {
          const WriteReport so_far = pass.written();
          job.watch({samples_read, source.exact_length(), report.source.rate, so_far.levels,
                     so_far.clipped});
        }
      });
  report.convolve_seconds += seconds_since(before) - files.seconds();
  const SourceReader& reader = source.reader();
  report.source = {report.source.rate,
                   rendered.source_samples,
                   false,
                   {reader.replaced(), reader.shortfall(), reader.remark()}};
  if (rendered.device_levels) {
    check_levels(*rendered.device_levels, are_all_wanted ? pass.written().levels : levels);
  }
  if (verification) {
    verification->check(method);
    report.verified_samples = verification->samples();
  }
  if (shared.renderer) job.convolvers->give_back(std::move(shared));
  return rendered;
}

/// The same factor for all frames of both ears.
class Scaling {
 public:
  explicit Scaling(double factor) : factor_(factor) {}

  Stereo<std::span<const float>> operator()(Stereo<std::span<const float>> wet) {
    if (factor_ == 1) return wet;
    for (const Side side : kSides) {
      scaled_[side].resize(wet[side].size());
      std::ranges::transform(wet[side], scaled_[side].begin(), [this](float sample) {
        return static_cast<float>(factor_ * double{sample});
      });
    }
    return {scaled_.left, scaled_.right};
  }

 private:
  double factor_;
  Stereo<Signal> scaled_;
};

/// Measures the whole result before it writes the first frame: keeps all frames in a file, or
/// renders again. Returns the factor that --level takes.
double render_measured(Prepared& prepared) {
  const Job& job = prepared.job;
  JobReport& report = prepared.report;
  const int rate = report.source.rate;
  WriteReport measured;
  PowerMeter power;
  std::optional<TargetMeter> meter;
  if (job.level) meter.emplace(*job.level, rate, count(job.format.channels));
  std::optional<FloatStore> store;
  if (!is_special_file(job.output)) store.emplace(job.output);
  const auto so_far = [&] { return measured; };
  report.render = render_source(prepared, *prepared.source,
                                {prepared.response.taps,
                                 [&](Stereo<std::span<const float>> wet) {
                                   measure(wet, measured.levels);
                                   if (job.noise) power.take(wet);
                                   if (meter && !job.noise) meter->take(wet);
                                   measured.frames += std::ssize(wet.left);
                                   if (store) store->write(wet);
                                 },
                                 so_far});
  const auto replay = [&](const WriteWet& write) {
    if (store) return store->read(write);
    MeasuredSource again(job.input, job.source_options);
    report.render = render_source(prepared, again, {prepared.response.taps, write, so_far});
  };

  std::optional<NoiseMix> noise;
  if (job.noise) {
    noise.emplace(*job.noise, background_options(job), rate, job.format.channels, measured.frames,
                  power.power());
    report.noise = noise->report();
    noise->restart();
  }
  if (noise && meter) {
    replay([&](Stereo<std::span<const float>> wet) {
      stop_if_interrupted();
      meter->take((*noise)(wet));
    });
    noise->restart();
  }
  double factor = 1;
  if (meter) {
    factor = meter->factor(job.output).value_or(1);
    report.level_gain_db = dbfs(factor);
  }
  Scaling scaled(factor);
  replay([&](Stereo<std::span<const float>> wet) {
    stop_if_interrupted();
    prepared.writer->write(scaled(noise ? (*noise)(wet) : wet));
  });
  return factor;
}

WriteReport finish(WetWriter& writer, std::vector<OutputFile>* unpublished) {
  if (unpublished == nullptr) return writer.finish();
  unpublished->push_back(writer.complete());
  return writer.report();
}

/// The second output, as long as the first one and scaled as that was.
void render_early(Prepared& prepared, double factor, std::vector<OutputFile>* unpublished) {
  const auto K = static_cast<std::size_t>(prepared.report.early_taps);
  Stereo<Signal> taps;
  for (const Side side : kSides) {
    const Signal& all = prepared.response.taps[side];
    taps[side].assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(K));
  }
  WetWriter& writer = *prepared.early_writer;
  WriteReport measured;
  Scaling scaled(factor);
  const auto write = [&](Stereo<std::span<const float>> wet) {
    measure(wet, measured.levels);
    writer.write(scaled(wet));
  };
  MeasuredSource again(prepared.job.input, prepared.job.source_options);
  render_source(prepared, again, {taps, write, [&] { return measured; }, false});
  constexpr std::int64_t kBlock = 1 << 16;
  const Signal silence(kBlock);
  while (writer.report().frames < prepared.writer->report().frames) {
    const std::int64_t missing = prepared.writer->report().frames - writer.report().frames;
    const auto part = std::span(silence).first(static_cast<std::size_t>(std::min(kBlock, missing)));
    writer.write({part, part});
  }
  prepared.report.early = finish(writer, unpublished);
}

JobReport run_once(Prepared prepared, std::vector<OutputFile>* unpublished) {
  if (!prepared.writer) open_outputs(prepared);
  WetWriter& writer = *prepared.writer;
  double factor = 1;
  if (needs_whole_result(prepared.job)) {
    factor = render_measured(prepared);
  } else {
    prepared.report.render = render_source(
        prepared, *prepared.source,
        {prepared.response.taps, [&](Stereo<std::span<const float>> wet) { writer.write(wet); },
         [&] { return writer.report(); }});
  }
  // First, so that whoever finds OUTPUT finds both.
  if (prepared.early_writer) render_early(prepared, factor, unpublished);
  stop_if_interrupted();
  prepared.report.written = finish(writer, unpublished);
  prepared.report.seconds = seconds_since(prepared.start);
  return std::move(prepared.report);
}

}  // namespace

std::string early_output(const std::string& output) {
  const std::filesystem::path path(output);
  return (path.parent_path() / path.stem()).concat(".early").concat(path.extension().string());
}

std::int64_t clipped_samples(const JobReport& report) {
  std::int64_t samples = 0;
  for (const auto* const file : {&report.written, &report.early}) {
    if (*file) samples += (*file)->clipped.left + (*file)->clipped.right;
  }
  return samples;
}

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

JobReport run(Prepared prepared, std::vector<OutputFile>* unpublished) {
  const Job job = prepared.job;
  const auto start = prepared.start;
  try {
    return run_once(std::move(prepared), unpublished);
  } catch (const GpuError& error) {
    if (!job.falls_back_to_cpu) throw;
    if (unpublished != nullptr) unpublished->clear();
    Prepared again = resolve_on_cpu(job, error);
    again.start = start;  // the attempt took time, too
    return run_once(std::move(again), unpublished);
  }
}

}  // namespace gpuconv
