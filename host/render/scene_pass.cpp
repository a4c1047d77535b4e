#include "host/render/scene_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/base/stopwatch.hpp"
#include "host/files/location.hpp"
#include "host/methods/method.hpp"
#include "host/render/convolver_cache.hpp"
#include "host/render/cpu_renderer.hpp"
#include "host/render/frame_range.hpp"
#include "host/render/output_rate.hpp"
#include "host/render/scene_renderer.hpp"
#include "host/render/verification.hpp"
#include "host/write/float_store.hpp"

namespace gpuconv {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Throws GpuError if the file's levels differ from those that the device measured.
void check_levels(const Stereo<Level>& device, const Stereo<Level>& written) {
  for (const Side side : kSides) {
    // A device leaves NaN out. The writer says that there is one.
    if (!std::isfinite(device[side].peak) || !std::isfinite(written[side].peak)) return;
  }
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

using Taps = std::shared_ptr<const Stereo<Signal>>;

/// After so many frames of silence.
Taps delayed(const Taps& taps, std::int64_t frames) {
  if (frames == 0) return taps;
  auto later = std::make_shared<Stereo<Signal>>(*taps);
  for (const Side side : kSides) {
    Signal& ear = (*later)[side];
    ear.insert(ear.begin(), static_cast<std::size_t>(frames), 0.0F);
  }
  return later;
}

/// One source with one response, from its begin to its end: a renderer's job.
bool is_whole_voice(const Scene& scene, std::span<const Part> parts) {
  if (parts.size() != 1 || parts.front().voices.size() != 1) return false;
  return scene.sources[parts.front().source]->start() == 0 &&
         is_whole(parts.front().voices.front());
}

/// What the engine gets of some parts.
struct Cast {
  SceneResponses responses;
  std::vector<Voice> voices;
  std::vector<std::size_t> sources;  ///< of the scene
};

Cast cast_of(const Scene& scene, std::span<const Part> parts, Stretch stretch) {
  struct Group {
    std::size_t first;  ///< response
    SceneResponses responses;
    std::int64_t delay;
  };
  std::vector<Group> groups;
  std::vector<const VoiceResponses*> known;
  Cast cast;
  for (const Part& part : parts) {
    const auto same = std::ranges::find(known, part.responses.get()) - known.begin();
    if (same == std::ssize(known)) {
      known.push_back(part.responses.get());
      const SceneResponses& own = part.responses->of(stretch);
      const std::int64_t delay = scene.latency - part.responses->latency;
      groups.push_back({cast.responses.count, own, delay});
      cast.responses.count += own.count;
      cast.responses.longest = std::max(cast.responses.longest, own.longest + delay);
    }
    auto source = std::ranges::find(cast.sources, part.source) - cast.sources.begin();
    if (source == std::ssize(cast.sources)) cast.sources.push_back(part.source);
    for (Voice voice : part.voices) {
      voice.source = static_cast<std::size_t>(source);
      voice.response += groups[static_cast<std::size_t>(same)].first;
      cast.voices.push_back(voice);
    }
  }
  cast.responses.load = [groups = std::move(groups)](std::size_t response) {
    const auto after = std::ranges::upper_bound(groups, response, {}, &Group::first);
    const Group& group = *std::prev(after);
    return delayed(group.responses.load(response - group.first), group.delay);
  };
  return cast;
}

std::int64_t length_of(const Scene& scene, std::span<const std::size_t> sources) {
  std::int64_t length = 0;
  for (const std::size_t s : sources) {
    length = std::max(length, scene.sources[s]->start() + scene.sources[s]->length());
  }
  return length;
}

/// One run of a renderer.
class Rendering {
 public:
  /// `write` takes all frames, and `watch` is called after it. The frames are measured if a device
  /// measures them, too, and `is_measured`.
  Rendering(Scene& scene, const Job& job, JobReport& report, WriteWet write,
            std::function<void()> watch, bool is_measured)
      : scene_(scene),
        job_(job),
        report_(report),
        device_(report.choice.device),
        write_(std::move(write)),
        watch_(std::move(watch)),
        is_measured_(is_measured && device_) {
    if (device_) report_.gpu_start_seconds += start_gpu(*device_);
  }

  RenderReport run(std::span<const Part> parts, Stretch stretch) {
    return is_whole_voice(scene_, parts) ? run_whole_voice(parts.front(), stretch)
                                         : run_scene(parts, stretch);
  }

  /// Of all frames, if they are measured.
  const Stereo<Level>& levels() const { return levels_; }

 private:
  RenderReport run_whole_voice(const Part& part, Stretch stretch) {
    const Taps taps =
        delayed(part.responses->of(stretch).load(0), scene_.latency - part.responses->latency);
    DrySource& source = *scene_.sources[part.source];
    const auto before = std::chrono::steady_clock::now();
    const Method& method = *report_.choice.method;
    ConvolverCache::OnGpu shared;
    std::unique_ptr<Renderer> own;
    if (job_.convolvers && device_) {
      shared = job_.convolvers->take(method, *taps, source.length(), device_->index);
    } else if (is_vectorised(method)) {
      own = make_cpu_renderer(
          job_.convolvers ? job_.convolvers->find(*taps)
                          : std::make_shared<const VectorisedConvolver>(*taps),
          source.recording().may_wait() ? SourceThread::calling : SourceThread::any);
    } else {
      own = make_renderer(method, *taps, source.length(), device_ ? device_->index : 0);
    }
    Renderer& renderer = shared.renderer ? *shared.renderer : *own;
    std::optional<Verification> verification;
    if (job_.verify) verification.emplace(*taps, source.least_length());
    Signal unused;
    RenderReport rendered = renderer.run(
        [&](std::span<float> block) {
          const std::size_t count = read(source, block);
          if (verification) verification->source(block.first(count));
          return count;
        },
        [&](Stereo<std::span<const float>> wet) {
          take(wet);
          if (verification) verification->wet(wet);
        });
    report_.convolve_seconds += seconds_since(before) - files_.seconds();
    if (verification) {
      verification->check(method);
      report_.verified_samples += verification->samples();
    }
    if (shared.renderer) job_.convolvers->give_back(std::move(shared));
    return rendered;
  }

  RenderReport run_scene(std::span<const Part> parts, Stretch stretch) {
    Cast cast = cast_of(scene_, parts, stretch);
    const auto before = std::chrono::steady_clock::now();
    std::shared_ptr<ClipGatherer::Turn> turn;
    if (job_.convolvers && device_) {
      turn = job_.convolvers->take_turn(device_->index);
      job_.convolvers->free_idle(device_->index);  // a scene may need all memory
    }
    const Method& method = *report_.choice.method;
    const std::int64_t length = length_of(scene_, cast.sources);
    std::optional<Verification> verification;
    if (job_.verify) {
      verification.emplace(to_verify(cast, length));
      cast.responses = verification->responses();
    }
    const auto renderer =
        make_scene_renderer(method, std::move(cast.responses), std::move(cast.voices), length,
                            device_ ? device_->index : 0);
    std::vector<SceneSource> sources;
    for (std::size_t i = 0; i < cast.sources.size(); ++i) {
      DrySource& source = *scene_.sources[cast.sources[i]];
      const auto next = [&, i](std::span<float> block) {
        const std::size_t count = read(source, block);
        if (verification) verification->source(block.first(count), i);
        return count;
      };
      sources.push_back({next, source.start()});
    }
    RenderReport rendered = renderer->run(sources, [&](Stereo<std::span<const float>> wet) {
      take(wet);
      if (verification) verification->wet(wet);
    });
    report_.convolve_seconds += seconds_since(before) - files_.seconds();
    if (verification) {
      verification->check(method);
      report_.verified_samples += verification->samples();
    }
    return rendered;
  }

  VerifiedScene to_verify(const Cast& cast, std::int64_t length) const {
    VerifiedScene verified{cast.responses, cast.voices, {}, length, 1};
    for (const std::size_t s : cast.sources) {
      const DrySource& source = *scene_.sources[s];
      verified.starts.push_back(source.start());
      // A source has a sample, unless its file is truncated.
      verified.known_length =
          std::max(verified.known_length, source.start() + source.least_length());
    }
    return verified;
  }

  std::size_t read(DrySource& source, std::span<float> block) {
    stop_if_interrupted();
    return files_.time([&] { return source.read(block); });
  }

  void take(Stereo<std::span<const float>> wet) {
    stop_if_interrupted();
    if (is_measured_) measure(wet, levels_);
    files_.time([&] { write_(wet); });
    watch_();
  }

  Scene& scene_;
  const Job& job_;
  JobReport& report_;
  const std::optional<Device>& device_;
  WriteWet write_;
  std::function<void()> watch_;
  bool is_measured_;
  // A renderer may call read() and take() on two threads, at the same time. What both of them
  // use is made for that: this, the number of samples that a source has read, and the verification.
  SharedStopwatch files_;
  Stereo<Level> levels_;
};

/// Adds the sounds of groups of voices, which come one after the other.
class GroupSum {
 public:
  /// `beside`: see FloatStore.
  explicit GroupSum(std::string beside) : beside_(std::move(beside)) {}

  /// The next frames of a group go on to `last`, with those of all groups before; or are kept.
  void begin(WriteWet last) {
    last_ = std::move(last);
    sum_ = std::move(next_);
    next_ = last_ ? nullptr : std::make_unique<FloatStore>(beside_);
    position_ = 0;
  }

  void add(Stereo<std::span<const float>> wet) {
    if (sum_) {
      for (const Side side : kSides) frames_[side].resize(wet.left.size());
      sum_->read(position_, {frames_.left, frames_.right});
      for (const Side side : kSides) {
        std::ranges::transform(frames_[side], wet[side], frames_[side].begin(), std::plus<>());
      }
      wet = {frames_.left, frames_.right};
    }
    position_ += std::ssize(wet.left);
    if (next_) {
      next_->write(wet);
    } else {
      last_(wet);
    }
  }

  /// The group has no more, but the sum goes on until it has at least `frames`.
  void finish(std::int64_t frames) {
    constexpr std::int64_t kBlock = 1 << 16;
    if (sum_) frames = std::max(frames, sum_->frames());
    const Signal silence(
        static_cast<std::size_t>(std::clamp<std::int64_t>(frames - position_, 0, kBlock)));
    while (position_ < frames) {
      stop_if_interrupted();
      const auto part =
          std::span(silence).first(static_cast<std::size_t>(std::min(kBlock, frames - position_)));
      add({part, part});
    }
  }

 private:
  std::string beside_;
  WriteWet last_;
  std::unique_ptr<FloatStore> sum_, next_;
  std::int64_t position_ = 0;
  Stereo<Signal> frames_;
};

std::vector<std::size_t> sources_of(std::span<const Part> parts) {
  std::vector<std::size_t> sources;
  for (const Part& part : parts) sources.push_back(part.source);
  std::ranges::sort(sources);
  sources.erase(std::ranges::unique(sources).begin(), sources.end());
  return sources;
}

std::int64_t longest_of(const Scene& scene, std::span<const Part> parts, Stretch stretch) {
  std::int64_t K = 0;
  for (const Part& part : parts) {
    K = std::max(K, part.responses->of(stretch).longest + scene.latency - part.responses->latency);
  }
  return K;
}

void add_stages(RenderReport& all, const RenderReport& one) {
  all.source_samples = std::max(all.source_samples, one.source_samples);
  for (const StageTime& stage : one.stages) {
    const auto same = std::ranges::find(all.stages, stage.stage, &StageTime::stage);
    if (same == all.stages.end()) {
      all.stages.push_back(stage);
    } else {
      same->seconds += stage.seconds;
    }
  }
}

}  // namespace

std::int64_t voices_at_a_time(std::int64_t voices, std::int64_t K) {
  constexpr std::int64_t kBytes = std::int64_t{1} << 30;
  // Both ears, in spectra of twice the length or a little more.
  const std::int64_t bytes = 2 * 2 * K * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t most = std::max<std::int64_t>(1, kBytes / bytes);
  const std::int64_t groups = (voices + most - 1) / most;
  return (voices + groups - 1) / groups;
}

RenderReport render_pass(Scene& scene, const Job& job, JobReport& report, const Pass& pass) {
  const std::vector<std::size_t> all = sources_of(pass.parts);
  Signal mean;
  OutputRate at_rate(scene.rate, job.output_rate.value_or(scene.rate),
                     [&](Stereo<std::span<const float>> wet) {
                       pass.write(pick(wet, job.format.channels, mean));
                     });
  FrameRange wanted(scene.first, pass.length,
                    [&](Stereo<std::span<const float>> wet) { at_rate.take(wet); });
  const auto take = [&](Stereo<std::span<const float>> wet) {
    wanted(wet, scene.known_length());  // of OUTPUT, also where a pass is a voice of it
  };
  const auto watch = [&] {
    if (!job.watch || !pass.is_watched) return;
    const WriteReport so_far = pass.written();
    job.watch(
        {scene.known_length(all), scene.exact_length(), scene.rate, so_far.levels, so_far.clipped});
  };
  const std::int64_t K = longest_of(scene, pass.parts, pass.stretch);
  const auto size = static_cast<std::size_t>(
      pass.at_a_time > 0 ? pass.at_a_time : voices_at_a_time(std::ssize(pass.parts), K));
  const bool is_one = size >= pass.parts.size();
  // The device measures all frames of both ears, so the host must, too.
  const bool are_all_wanted = is_one && scene.first == 0 && pass.length == WetLength::full &&
                              job.format.channels == Channels::both &&
                              job.output_rate.value_or(scene.rate) == scene.rate;
  GroupSum sum(is_special_file(job.output)
                   ? (std::filesystem::temp_directory_path() / "gpuconv.wav").string()
                   : job.output);
  RenderReport rendered;
  int passes = 0;
  for (std::size_t first = 0; first < pass.parts.size(); first += size) {
    const auto parts = pass.parts.subspan(first, std::min(size, pass.parts.size() - first));
    const bool is_last = first + parts.size() == pass.parts.size();
    const std::vector<std::size_t> sources = sources_of(parts);
    scene.restart(sources);
    sum.begin(is_last ? WriteWet(take) : WriteWet());
    const auto add = [&](Stereo<std::span<const float>> wet) { sum.add(wet); };
    Rendering rendering(scene, job, report, add, watch, !are_all_wanted);
    const RenderReport group = rendering.run(parts, pass.stretch);
    if (group.device_levels) {
      check_levels(*group.device_levels,
                   are_all_wanted ? pass.written().levels : rendering.levels());
    }
    add_stages(rendered, group);
    if (is_last) sum.finish(scene.known_length(all) + K - 1);
    if (!is_last) sum.finish(0);
    ++passes;
  }
  if (at_rate.converts()) {
    // As long as OUTPUT: what is cut where a part of it ends would be missing in the sum.
    const bool is_full = pass.length == WetLength::full;
    const std::int64_t frames = scene.known_length() + (is_full ? scene.taps - 1 - scene.first : 0);
    constexpr std::int64_t kBlock = 1 << 16;
    const Signal silence(
        static_cast<std::size_t>(std::clamp<std::int64_t>(frames - at_rate.taken(), 0, kBlock)));
    while (at_rate.taken() < frames) {
      stop_if_interrupted();
      const auto part = std::span(silence).first(
          static_cast<std::size_t>(std::min(kBlock, frames - at_rate.taken())));
      at_rate.take({part, part});
    }
  }
  at_rate.finish();
  rendered.frames = scene.known_length(all) + K - 1;
  report.passes = std::max(report.passes, passes);
  report_sources(scene, report);
  return rendered;
}

}  // namespace gpuconv
