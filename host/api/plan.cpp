#include "gpuconv/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "host/api/engines.hpp"
#include "host/api/plan_stream.hpp"
#include "host/base/parallel.hpp"
#include "host/render/scene_renderer.hpp"

namespace gpuconv {
namespace {

/// A clip with fewer frames is done by one thread: starting another takes as long as this work.
constexpr std::int64_t kFramesOfOneThread = 65'536;
/// In a batch, threads take whole clips; longer ones are done by all threads together.
constexpr std::int64_t kFramesOfAClip = std::int64_t{1} << 22;

/// Takes frames in order into memory for all of them.
class MemoryWet {
 public:
  MemoryWet(const Stereo<std::span<float>>& wet, std::string what)
      : wet_(wet), what_(std::move(what)) {}

  void operator()(Stereo<std::span<const float>> frames) {
    check_overflow(frames, static_cast<std::int64_t>(used_), what_);
    for (const Side side : kSides) {
      std::copy(frames[side].begin(), frames[side].end(), wet_[side].data() + used_);
    }
    used_ += frames.left.size();
  }

 private:
  Stereo<std::span<float>> wet_;
  std::string what_;
  std::size_t used_ = 0;
};

ReadSource reader_of(std::span<const float> source) {
  return [rest = source](std::span<float> block) mutable {
    const std::size_t count = std::min(block.size(), rest.size());
    std::copy_n(rest.data(), count, block.data());
    rest = rest.subspan(count);
    return count;
  };
}

/// On the calling thread alone, with no other started.
void run_alone(PlanEngines& engines, std::span<const float> source, const WriteWet& write) {
  engines.vectorised().run(reader_of(source), write, 1);
}

void run_one(PlanEngines& engines, const Choice& choice, std::span<const float> source,
             const Stereo<std::span<float>>& wet, const std::string& what,
             const BetweenBlocks& between) {
  MemoryWet memory(wet, what);
  const auto write = [&](Stereo<std::span<const float>> frames) {
    if (between) between();
    memory(frames);
  };
  const bool is_vectorised = !choice.device && choice.method->convolve == nullptr;
  if (is_vectorised && std::ssize(wet.left) <= kFramesOfOneThread) {
    return run_alone(engines, source, write);
  }
  engines.run(choice, std::ssize(source), reader_of(source), write);
}

void check_lengths_of(std::span<const float> source, std::int64_t taps,
                      const Stereo<std::span<float>>& wet) {
  const std::int64_t frames = std::ssize(source) + taps - 1;
  if (source.empty()) throw UsageError("source: holds no samples");
  if (std::ssize(wet.left) != frames || std::ssize(wet.right) != frames) {
    throw UsageError(fmt::format("wet: {} samples and {} taps make {} frames, not {} and {}",
                                 source.size(), taps, frames, wet.left.size(), wet.right.size()));
  }
}

Report report_of(const Choice& choice) {
  return {std::string(choice.method->name), device_words(choice), choice.why, 0};
}

}  // namespace

Plan::Plan(const Stereo<std::span<const float>>& response, const PlanOptions& options)
    : engines_(std::make_shared<PlanEngines>(response, std::make_shared<Chooser>(options),
                                             "response")) {}

Plan::Plan(std::shared_ptr<PlanEngines> engines) : engines_(std::move(engines)) {}

Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

std::int64_t Plan::taps() const { return engines_->taps(); }

Report Plan::choice(std::int64_t samples) const {
  if (samples < 1) throw UsageError(fmt::format("source: {} samples, not 1 or more", samples));
  return report_of(engines_->choose_for(samples));
}

void Plan::enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
                   void* stream) const {
  check_lengths_of(source, taps(), wet);
  engines_->enqueue(source, wet, stream);
}

int Plan::device() const { return engines_->device(); }

Report Plan::convolve(std::span<const float> source, const Stereo<std::span<float>>& wet,
                      const BetweenBlocks& between) const {
  check_lengths_of(source, taps(), wet);
  const std::string what = "source";
  const CheckedSamples checked(source, engines_->nonfinite(), what);
  const Choice choice = engines_->choose_for(std::ssize(source));
  run_one(*engines_, choice, checked.samples(), wet, what, between);
  Report report = report_of(choice);
  report.replaced = checked.replaced();
  return report;
}

Report Plan::convolve_clips(std::int64_t clips, std::span<const float> sources,
                            std::span<float> wet, const BetweenBlocks& between) const {
  if (clips < 0) throw UsageError(fmt::format("{} clips, not 0 or more", clips));
  const std::vector<const Plan*> plans(static_cast<std::size_t>(clips), this);
  return gpuconv::convolve_clips(plans, sources, wet, between);
}

std::vector<Plan> make_plans(std::int64_t responses, std::span<const float> taps,
                             const PlanOptions& options) {
  if (responses < 1 || std::ssize(taps) % (2 * responses) != 0) {
    throw UsageError(fmt::format("responses: {} taps are not those of {} responses of two ears",
                                 taps.size(), responses));
  }
  const auto chooser = std::make_shared<const Chooser>(options);
  const std::size_t K = taps.size() / static_cast<std::size_t>(2 * responses);
  std::vector<Plan> plans;
  for (std::int64_t i = 0; i < responses; ++i) {
    const auto both = taps.subspan(static_cast<std::size_t>(2 * i) * K, 2 * K);
    plans.push_back(Plan(std::make_shared<PlanEngines>(
        Stereo<std::span<const float>>{both.first(K), both.last(K)}, chooser,
        responses == 1 ? "response" : fmt::format("response {}", i))));
  }
  return plans;
}

Report convolve_clips(std::span<const Plan* const> plans, std::span<const float> sources,
                      std::span<float> wet, const BetweenBlocks& between) {
  const std::int64_t clips = std::ssize(plans);
  if (clips == 0 ? !sources.empty() : std::ssize(sources) % clips != 0) {
    throw UsageError(
        fmt::format("sources: {} samples are not {} clips of one length", sources.size(), clips));
  }
  if (clips == 0) return {};
  const std::int64_t N = std::ssize(sources) / clips;
  const std::int64_t taps = plans.front()->taps();
  const std::int64_t frames = N + taps - 1;
  if (N == 0) throw UsageError(fmt::format("sources: {} clips hold no samples", clips));
  if (!std::ranges::all_of(plans, [&](const Plan* plan) { return plan->taps() == taps; })) {
    throw UsageError("plans: their responses have more than one length");
  }
  if (std::ssize(wet) != clips * 2 * frames) {
    throw UsageError(fmt::format("wet: {} clips of 2 x {} frames are {} floats, not {}", clips,
                                 frames, clips * 2 * frames, wet.size()));
  }
  const Choice choice = plans.front()->engines_->choose_for(N);
  std::atomic<std::int64_t> replaced = 0;
  const auto at = [](std::int64_t index) { return static_cast<std::size_t>(index); };
  const auto wet_of = [&](std::int64_t i) {
    const std::span<float> both = wet.subspan(at(i * 2 * frames), at(2 * frames));
    return Stereo<std::span<float>>{both.first(at(frames)), both.last(at(frames))};
  };
  const auto convolve_one = [&](std::int64_t i, const BetweenBlocks& between_here, bool is_alone) {
    PlanEngines& engines = *plans[static_cast<std::size_t>(i)]->engines_;
    const std::string what = clips == 1 ? "source" : fmt::format("clip {}", i);
    const CheckedSamples checked(sources.subspan(at(i * N), at(N)), engines.nonfinite(), what);
    replaced += checked.replaced();
    const Stereo<std::span<float>> ears = wet_of(i);
    if (!is_alone) {
      return run_one(engines, choice, checked.samples(), ears, what, between_here);
    }
    if (between_here) between_here();
    run_alone(engines, checked.samples(), MemoryWet(ears, what));
  };
  // Convolves the clips from `first` on that one launch takes, and returns the first that follows.
  const auto convolve_group = [&](std::int64_t first, const ClipLengths& lengths) {
    PlanEngines& engines = *plans[static_cast<std::size_t>(first)]->engines_;
    ClipLayout layout(lengths);
    std::int64_t end = first;
    while (end < clips && end < first + std::int64_t{kMostClips} &&
           plans[static_cast<std::size_t>(end)]->engines_.get() == &engines && layout.add(N)) {
      ++end;
    }
    if (end - first > 1) {
      std::vector<CheckedSamples> checked;
      for (std::int64_t i = first; i < end; ++i) {
        checked.emplace_back(sources.subspan(at(i * N), at(N)), engines.nonfinite(),
                             fmt::format("clip {}", i));
      }
      const auto write = [&](std::size_t index, Stereo<std::span<const float>> frames_of) {
        if (between) between();
        const std::int64_t i = first + static_cast<std::int64_t>(index);
        const std::string what = fmt::format("clip {}", i);
        MemoryWet(wet_of(i), what)(frames_of);
        replaced += checked[index].replaced();
      };
      if (engines.run_clips(choice, N, layout, checked, write)) return end;
    }
    for (std::int64_t i = first; i < end; ++i) convolve_one(i, between, false);
    return end;
  };
  const bool is_vectorised = !choice.device && choice.method->convolve == nullptr;
  const bool shares_clips =
      clips > 1 && !choice.device &&
      (is_vectorised ? frames <= kFramesOfAClip : !choice.method->takes_all_cores);
  const auto lengths = choice.device ? clip_lengths(*choice.method, N, taps) : std::nullopt;
  if (lengths) {
    for (std::int64_t i = 0; i < clips;) i = convolve_group(i, *lengths);
  } else if (!shares_clips) {
    for (std::int64_t i = 0; i < clips; ++i) convolve_one(i, between, false);
  } else {
    std::atomic<std::int64_t> next = 0;
    std::atomic<bool> failed = false;
    const int threads = static_cast<int>(std::min<std::int64_t>(clips, core_count()));
    run_workers(threads, [&](int worker, int) {
      try {
        const BetweenBlocks between_here = worker == 0 ? between : BetweenBlocks();
        for (std::int64_t i = next++; i < clips && !failed; i = next++) {
          convolve_one(i, between_here, is_vectorised);
        }
      } catch (...) {
        failed = true;
        throw;
      }
    });
  }
  Report report = report_of(choice);
  report.replaced = replaced;
  return report;
}

Report convolve_voices(std::span<const Plan* const> plans, std::span<const float> sources,
                       std::span<float> wet, const BetweenBlocks& between) {
  const auto V = static_cast<std::int64_t>(plans.size());
  if (V == 0 ? !sources.empty() : std::ssize(sources) % V != 0) {
    throw UsageError(
        fmt::format("sources: {} samples are not {} voices of one length", sources.size(), V));
  }
  if (V == 0 && !wet.empty()) throw UsageError("wet: no voices make no frames");
  if (V == 0) return {};
  const std::int64_t N = std::ssize(sources) / V;
  if (N == 0) throw UsageError(fmt::format("sources: {} voices hold no samples", V));
  SceneResponses responses{plans.size(), 0, [&](std::size_t v) {
                             const std::shared_ptr<PlanEngines>& engines = plans[v]->engines_;
                             return std::shared_ptr<const Stereo<Signal>>(engines,
                                                                          &engines->response());
                           }};
  for (const Plan* const plan : plans) {
    responses.longest = std::max(responses.longest, plan->taps());
  }
  const std::int64_t frames = N + responses.longest - 1;
  if (std::ssize(wet) != 2 * frames) {
    throw UsageError(
        fmt::format("wet: 2 x {} frames are {} floats, not {}", frames, 2 * frames, wet.size()));
  }
  const auto at = [](std::int64_t index) { return static_cast<std::size_t>(index); };
  std::vector<CheckedSamples> checked;
  std::vector<SceneSource> readers;
  std::vector<Voice> voices;
  std::int64_t replaced = 0;
  for (std::int64_t v = 0; v < V; ++v) {
    const PlanEngines& engines = *plans[at(v)]->engines_;
    checked.emplace_back(sources.subspan(at(v * N), at(N)), engines.nonfinite(),
                         fmt::format("voice {}", v));
    replaced += checked.back().replaced();
    voices.push_back({.source = at(v), .response = at(v)});
  }
  for (const CheckedSamples& samples : checked) readers.push_back({reader_of(samples.samples())});
  const Choice choice = plans.front()->engines_->choose_for(N, responses.longest);
  MemoryWet memory({wet.first(at(frames)), wet.last(at(frames))}, "scene");
  make_scene_renderer(*choice.method, std::move(responses), std::move(voices), N,
                      choice.device ? choice.device->index : 0)
      ->run(readers, [&](Stereo<std::span<const float>> part) {
        if (between) between();
        memory(part);
      });
  Report report = report_of(choice);
  report.replaced = replaced;
  return report;
}

PlanStream Plan::stream() const { return PlanStream(StreamState::make(engines_)); }

Stereo<std::vector<float>> convolve(std::span<const float> source,
                                    const Stereo<std::span<const float>>& response,
                                    const PlanOptions& options) {
  const Plan plan(response, options);
  Stereo<std::vector<float>> wet;
  for (const Side side : kSides) {
    wet[side].resize(source.size() + static_cast<std::size_t>(plan.taps()) - 1);
  }
  plan.convolve(source, {wet.left, wet.right});
  return wet;
}

}  // namespace gpuconv
