#include "host/render/prepared.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/files/folder.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/method.hpp"
#include "host/render/noise_mix.hpp"
#include "host/render/scene_pass.hpp"
#include "host/render/target_meter.hpp"
#include "host/room/resample.hpp"
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
  if (!job.scene && is_same_file(output, job.response)) {
    throw FileError(output, fmt::format("is the same file as the response '{}'", job.response));
  }
}

/// Whether something has to be measured before the first frame can be written.
bool needs_whole_result(const Job& job) { return job.level || job.noise; }

bool has_stems(const Job& job) { return job.scene && job.scene->has_stems; }

/// Whether a recording can be read only once.
bool reads_pipe(const Job& job) {
  if (!job.scene) return job.source_options.is_command || is_special_file(job.input);
  return std::ranges::any_of(
      job.scene->voices, [](const VoiceRequest& voice) { return is_special_file(voice.input); });
}

/// How errors name what is read.
std::string sources_name(const Job& job) {
  return job.scene ? "a scene that reads a pipe" : input_name(job.input);
}

/// Rejects what would read a pipe twice.
void check_pipes(const Job& job) {
  if (job.response == "-") {
    throw UsageError(
        "-: standard input is for INPUT; RESPONSE needs a file, or a pipe with a name");
  }
  if (!job.then.empty() && is_special_file(job.then)) {
    throw UsageError("--then " + job.then + ": is a pipe or a device; it has to be a file");
  }
  for (const auto& [option, track] :
       {std::pair{"--trajectory", job.trajectory}, std::pair{"--head", job.head}}) {
    if (track.empty() || !is_special_file(track)) continue;
    throw UsageError(
        fmt::format("{} {}: is a pipe or a device; it has to be a file", option, track));
  }
  const bool from_pipe = reads_pipe(job);
  const bool to_pipe = is_special_file(job.output);
  if (needs_whole_result(job) && from_pipe && to_pipe) {
    throw UsageError(fmt::format("{} cannot go from {} to {}: give one of them a file name{}",
                                 job.level ? job.level->option : "--noise", sources_name(job),
                                 job.output == "-" ? "standard output" : job.output,
                                 job.noise ? "" : ", or use --gain"));
  }
  if (job.falls_back_to_cpu && (from_pipe || to_pipe)) {
    throw UsageError("--fallback cpu starts again from the beginning, which a pipe cannot");
  }
  if (has_stems(job) && (from_pipe || to_pipe)) {
    throw UsageError(from_pipe ? "--stems reads each INPUT again, which a pipe cannot"
                               : "--stems writes files beside OUTPUT, which has to be a file, too");
  }
  for (const StretchOutput& one : job.stretches) {
    if (!from_pipe && !to_pipe) break;
    throw UsageError(
        fmt::format("--{} {}", name(one.stretch),
                    from_pipe ? "reads INPUT twice, which a pipe or a command cannot"
                              : "writes a second file beside OUTPUT, which has to be a file, too"));
  }
}

BackgroundOptions background_options(const Job& job) {
  const SourceOptions& source = job.source_options;
  return {source.nonfinite, source.truncated, source.formats, job.sounds};
}

/// Hz, of OUTPUT.
int output_rate(const Prepared& prepared) {
  return prepared.job.output_rate.value_or(prepared.scene.rate);
}

/// Of OUTPUT, if the source's length is known.
std::optional<std::int64_t> output_frames(const Prepared& prepared) {
  std::optional<std::int64_t> frames = prepared.scene.exact_length();
  if (frames && prepared.job.length == WetLength::full) {
    *frames += prepared.scene.taps - 1 - prepared.scene.first;
  }
  if (!frames) return frames;
  *frames = std::max<std::int64_t>(*frames, 0);
  return frames_at_rate(*frames, prepared.scene.rate, output_rate(prepared));
}

/// Rejects what is too much for a pipe.
void check_scene(const Prepared& prepared) {
  const Job& job = prepared.job;
  const std::int64_t voices = std::ssize(prepared.scene.parts);
  const std::int64_t at_a_time = voices_at_a_time(voices, prepared.scene.taps);
  if (at_a_time < voices && reads_pipe(job)) {
    throw UsageError(
        fmt::format("{} voices of {} taps are rendered {} at a time, and a pipe can be "
                    "read only once; give it as a file",
                    voices, prepared.scene.taps, at_a_time));
  }
}

/// Rejects stems that cannot be written.
void check_stems(const Job& job) {
  OutputOptions options{job.no_clobber, job.inputs()};
  options.inputs.push_back(job.output);
  for (const VoiceRequest& voice : job.scene->voices) {
    OutputFile(stem_output(job.output, voice.id), options);
  }
}

/// Opens OUTPUT, and the second one. The number of frames goes into the header of a pipe, if it is
/// known.
void open_outputs(Prepared& prepared) {
  const Job& job = prepared.job;
  OutputOptions options{job.no_clobber, job.inputs(), output_frames(prepared),
                        needs_whole_result(job) ? int{FloatStore::kFrameBytes} : 0,
                        job.makes_folder};
  const auto open = [&](const std::string& path) {
    return std::make_unique<WetWriter>(path, job.format, output_rate(prepared), options);
  };
  if (has_stems(job)) check_stems(job);
  const std::int64_t voices = std::ssize(prepared.scene.parts);
  if (voices_at_a_time(voices, prepared.scene.taps) < voices) {  // the sum, and the one before
    options.frame_bytes_beside += 2 * int{FloatStore::kFrameBytes};
  }
  prepared.writer = open(job.output);
  options.inputs.push_back(job.output);  // which a link could lead to
  options.frame_bytes_beside += prepared.writer->frame_bytes();
  for (const StretchOutput& one : job.stretches) {
    prepared.stretch_writers.push_back(open(stretch_output(job.output, one.stretch)));
    options.inputs.push_back(stretch_output(job.output, one.stretch));
    options.frame_bytes_beside += prepared.writer->frame_bytes();
  }
}

/// Of all voices, by which the work grows.
std::int64_t samples_of(const Scene& scene) {
  std::int64_t samples = 0;
  for (const Part& part : scene.parts) samples += scene.sources[part.source]->length();
  return samples;
}

void choose_method(Prepared& prepared) {
  const Request& request = prepared.job.request;
  JobReport& report = prepared.report;
  const Devices devices = prepared.job.devices ? *prepared.job.devices : devices_for(request);
  check_request(request, devices);
  const auto choose_with = [&](const CostModel& model) {
    report.choice =
        choose(request, samples_of(prepared.scene), report.response.taps, devices, model);
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
  prepared.scene = open_scene(job, prepared.report);
  const int rate = output_rate(prepared);
  try {
    check_rates(prepared.scene.rate, rate);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("--output-rate {}: {}", rate, error.what()));
  }
  check_scene(prepared);
  report_rests(prepared.scene, job, prepared.report, false);
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
  const int rate = output_rate(prepared);
  WriteReport measured;
  PowerMeter power;
  std::optional<TargetMeter> meter;
  if (job.level) meter.emplace(*job.level, rate, count(job.format.channels));
  std::optional<FloatStore> store;
  if (!is_special_file(job.output)) store.emplace(job.output);
  const auto so_far = [&] { return measured; };
  const auto render = [&](const WriteWet& write) {
    Pass pass{prepared.scene.parts, job.length};
    pass.write = write;
    pass.written = so_far;
    report.render = render_pass(prepared.scene, job, report, pass);
  };
  render([&](Stereo<std::span<const float>> wet) {
    measure(wet, measured.levels);
    if (job.noise) power.take(wet);
    if (meter && !job.noise) meter->take(wet);
    measured.frames += std::ssize(wet.left);
    if (store) store->write(wet);
  });
  const auto replay = [&](const WriteWet& write) {
    if (store) return store->read(write);
    render(write);
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

/// Writes what `pass` renders, scaled as OUTPUT was, and as many frames as that has. Returns how
/// loud that is.
SoundLevel write_beside(Prepared& prepared, WetWriter& writer, double factor, Pass pass) {
  const std::int64_t frames = prepared.writer->report().frames;
  PowerMeter power;
  WriteReport measured;
  Scaling scaled(factor);
  pass.write = [&](Stereo<std::span<const float>> wet) {
    measure(wet, measured.levels);
    const std::int64_t left = frames - writer.report().frames;
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(wet.left)));
    if (count == 0) return;
    const auto part = scaled({wet.left.first(count), wet.right.first(count)});
    power.take(part);
    writer.write(part);
  };
  pass.written = [&] { return measured; };
  pass.is_watched = false;
  render_pass(prepared.scene, prepared.job, prepared.report, pass);
  constexpr std::int64_t kBlock = 1 << 16;
  const Signal silence(kBlock);
  while (writer.report().frames < frames) {
    const std::int64_t missing = frames - writer.report().frames;
    const auto part = std::span(silence).first(static_cast<std::size_t>(std::min(kBlock, missing)));
    power.take({part, part});
    writer.write({part, part});
  }
  const Stereo<Level>& levels = writer.report().levels;
  return {std::max(levels.left.peak, levels.right.peak), std::sqrt(power.power())};
}

/// The outputs with a stretch of the response.
void render_stretches(Prepared& prepared, double factor, std::vector<OutputFile>* unpublished) {
  for (std::size_t i = 0; i < prepared.stretch_writers.size(); ++i) {
    WetWriter& writer = *prepared.stretch_writers[i];
    Pass pass{prepared.scene.parts, prepared.job.length};
    pass.stretch = prepared.job.stretches[i].stretch;
    write_beside(prepared, writer, factor, pass);
    prepared.report.stretches[i].written = finish(writer, unpublished);
  }
}

/// Each voice alone, in a file that is in its place before the next one begins.
void render_stems(Prepared& prepared, double factor) {
  const Job& job = prepared.job;
  OutputOptions options{job.no_clobber, job.inputs(), prepared.writer->report().frames};
  options.inputs.push_back(job.output);
  for (std::size_t v = 0; v < prepared.scene.parts.size(); ++v) {
    WetWriter writer(stem_output(job.output, job.scene->voices[v].id), job.format,
                     output_rate(prepared), options);
    const auto part = std::span<const Part>(prepared.scene.parts).subspan(v, 1);
    prepared.report.voices[v].at_ears = write_beside(prepared, writer, factor, {part});
    prepared.report.voices[v].stem = writer.finish();
  }
}

JobReport run_once(Prepared prepared, std::vector<OutputFile>* unpublished) {
  if (!prepared.writer) open_outputs(prepared);
  WetWriter& writer = *prepared.writer;
  double factor = 1;
  if (needs_whole_result(prepared.job)) {
    factor = render_measured(prepared);
  } else {
    Pass pass{prepared.scene.parts, prepared.job.length};
    pass.write = [&](Stereo<std::span<const float>> wet) { writer.write(wet); };
    pass.written = [&] { return writer.report(); };
    prepared.report.render = render_pass(prepared.scene, prepared.job, prepared.report, pass);
  }
  report_rests(prepared.scene, prepared.job, prepared.report, true);
  // First, so that whoever finds OUTPUT finds all.
  render_stretches(prepared, factor, unpublished);
  if (has_stems(prepared.job)) render_stems(prepared, factor);
  stop_if_interrupted();
  prepared.report.written = finish(writer, unpublished);
  prepared.report.older_outputs = older_outputs(prepared.job);
  prepared.report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - prepared.start).count();
  return std::move(prepared.report);
}

}  // namespace

namespace {

std::string beside(const std::string& output, const std::string& part) {
  const std::filesystem::path path(output);
  return (path.parent_path() / path.stem()).concat(part).concat(path.extension().string());
}

}  // namespace

std::string_view name(Stretch stretch) {
  return stretch == Stretch::early ? "early" : stretch == Stretch::late ? "late" : "whole";
}

std::string stretch_output(const std::string& output, Stretch stretch) {
  return beside(output, "." + std::string(name(stretch)));
}

std::vector<std::string> stretch_outputs(const std::string& output,
                                         const std::vector<StretchOutput>& stretches) {
  std::vector<std::string> outputs;
  for (const StretchOutput& one : stretches) {
    outputs.push_back(stretch_output(output, one.stretch));
  }
  return outputs;
}

std::string stem_output(const std::string& output, const std::string& id) {
  return beside(output, ".stem-" + id);
}

std::vector<std::string> outputs_of(const Job& job) {
  std::vector<std::string> outputs{job.output};
  for (const std::string& output : stretch_outputs(job.output, job.stretches)) {
    outputs.push_back(output);
  }
  if (!has_stems(job)) return outputs;
  for (const VoiceRequest& voice : job.scene->voices) {
    outputs.push_back(stem_output(job.output, voice.id));
  }
  return outputs;
}

std::vector<std::string> older_outputs(const Job& job) {
  std::vector<std::string> candidates;
  if (is_special_file(job.output)) return candidates;
  for (const Stretch stretch : {Stretch::early, Stretch::late}) {
    candidates.push_back(stretch_output(job.output, stretch));
  }
  if (job.scene) {
    const std::filesystem::path pattern(stem_output(job.output, ""));
    const std::string folder = pattern.parent_path().empty() ? "." : pattern.parent_path().string();
    for (const std::string& name : names_in(folder, {pattern.stem().string()})) {
      if (std::filesystem::path(name).extension() != pattern.extension()) continue;
      candidates.push_back((pattern.parent_path() / name).string());
    }
  }
  const std::vector<std::string> inputs = job.inputs(), outputs = outputs_of(job);
  const std::set<std::string> written(outputs.begin(), outputs.end());
  std::erase_if(candidates, [&](const std::string& path) {
    if (written.contains(path)) return true;
    const auto status = status_of(path);
    return !status || !S_ISREG(status->st_mode) ||
           std::ranges::any_of(inputs,
                               [&](const std::string& input) { return is_same_file(path, input); });
  });
  std::ranges::sort(candidates);
  return candidates;
}

std::vector<std::string> Job::inputs() const {
  std::vector<std::string> files;
  if (scene) {
    files.push_back(scene->file);
    for (const VoiceRequest& voice : scene->voices) {
      files.push_back(voice.input);
      files.push_back(voice.response);
      if (!voice.trajectory.empty()) files.push_back(voice.trajectory);
    }
  } else {
    files = {input, response};
  }
  for (const std::string& track : {trajectory, head}) {
    if (!track.empty()) files.push_back(track);
  }
  if (!then.empty()) files.push_back(then);
  if (noise) files.push_back(noise->file);
  return files;
}

std::int64_t clipped_samples(const JobReport& report) {
  std::int64_t samples = 0;
  const auto add = [&](const std::optional<WriteReport>& file) {
    if (file) samples += file->clipped.left + file->clipped.right;
  };
  add(report.written);
  for (const JobReport::StretchReport& one : report.stretches) add(one.written);
  for (const VoiceReport& voice : report.voices) add(voice.stem);
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
