#include "host/render/scene_renderer.hpp"

#include <algorithm>
#include <utility>

#include "cuda/runtime/range.hpp"
#include "host/base/stopwatch.hpp"
#include "host/methods/cpu_lengths.hpp"
#include "host/methods/cpu_voices.hpp"
#include "host/methods/voice_gains.hpp"
#include "host/render/cpu_renderer.hpp"
#include "host/render/gpu_scene_renderer.hpp"

namespace gpuconv {
namespace {

/// Sources whose reading is timed and counted.
std::vector<SceneSource> watched(std::span<const SceneSource> sources, Stopwatch& reading,
                                 std::int64_t& latest) {
  std::vector<SceneSource> all;
  for (const SceneSource& source : sources) {
    all.push_back(
        {[&source, &reading, &latest, end = source.start](std::span<float> block) mutable {
           const Range range("read");
           const std::size_t count = reading.time([&] { return source.read(block); });
           end += static_cast<std::int64_t>(count);
           if (count > 0) latest = std::max(latest, end);
           return count;
         },
         source.start});
  }
  return all;
}

class VectorisedScene final : public SceneRenderer {
 public:
  VectorisedScene(SceneResponses responses, std::vector<Voice> voices, std::int64_t length)
      : convolver_(std::move(responses), std::move(voices), length) {}

  RenderReport run(std::span<const SceneSource> sources, const WriteWet& write) override {
    Stopwatch all, reading, writing;
    RenderReport report;
    const auto read = watched(sources, reading, report.source_samples);
    const auto write_wet = [&](Stereo<std::span<const float>> wet) {
      const Range range("write");
      report.frames += std::ssize(wet.left);
      writing.time([&] { write(wet); });
    };
    all.time([&] {
      const Range range("convolve");
      convolver_.run(read, write_wet);
    });
    report.stages = {{"read", reading.seconds()},
                     {"compute", all.seconds() - reading.seconds() - writing.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  VoicesConvolver convolver_;
};

/// The rungs that are one function of two whole signals: voice after voice, a block at a time, and
/// their sum in time.
class WholeScene final : public SceneRenderer {
 public:
  WholeScene(const Method& method, SceneResponses responses, std::vector<Voice> voices)
      : convolve_(method.convolve),
        responses_(std::move(responses)),
        voices_(std::move(voices)),
        gains_(voices_),
        block_(whole_block_length(responses_.longest)) {
    check_voices(voices_, responses_.count);
  }

  RenderReport run(std::span<const SceneSource> sources, const WriteWet& write) override {
    check_sources(voices_, sources.size());
    Stopwatch reading, writing;
    Stereo<Stopwatch> computing;
    RenderReport report;
    const std::vector<SceneSource> read = watched(sources, reading, report.source_samples);
    std::vector<Signal> blocks(sources.size());
    std::vector<bool> has_ended(sources.size());
    Stereo<Signal> wet;  // of the block, and what sounds on after it
    const auto tail = static_cast<std::size_t>(responses_.longest - 1);
    const auto write_frames = [&](std::size_t length) {
      const Range range("write");
      writing.time([&] {
        write({std::span(wet.left).first(length), std::span(wet.right).first(length)});
      });
      report.frames += static_cast<std::int64_t>(length);
      for (const Side side : kSides) {
        wet[side].erase(wet[side].begin(), wet[side].begin() + static_cast<std::ptrdiff_t>(length));
      }
    };
    for (std::int64_t begin = 0;; begin += block_) {
      for (std::size_t s = 0; s < sources.size(); ++s) {
        if (!has_ended[s])
          has_ended[s] = !read_block(read[s], begin, blocks[s]);
        else
          blocks[s].clear();
      }
      const bool is_last = std::ranges::find(has_ended, false) == has_ended.end();
      const auto length = static_cast<std::size_t>(
          is_last ? std::clamp<std::int64_t>(report.source_samples - begin, 0, block_) : block_);
      for (const Side side : kSides) wet[side].resize(length + tail);
      for (const Voice& voice : voices_)
        add(voice, std::max(begin, sources[voice.source].start), begin, blocks[voice.source], wet,
            computing);
      if (is_last && report.source_samples == 0) break;
      write_frames(is_last ? length + tail : length);
      if (is_last) break;
    }
    report.stages = {{"read", reading.seconds()},
                     {"compute left", computing.left.seconds()},
                     {"compute right", computing.right.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  /// Samples of a block that begins at frame `begin`; false if the source ends in it.
  bool read_block(const SceneSource& source, std::int64_t begin, Signal& block) const {
    constexpr std::int64_t kStep = 1 << 16;  // a short source takes little memory
    const std::int64_t silent = std::clamp<std::int64_t>(source.start - begin, 0, block_);
    block.assign(static_cast<std::size_t>(silent), 0.0F);
    while (std::ssize(block) < block_) {
      const std::size_t start = block.size();
      const std::int64_t wanted = std::min(kStep, block_ - std::ssize(block));
      block.resize(start + static_cast<std::size_t>(wanted));
      const std::size_t count = source.read(std::span(block).subspan(start));
      block.resize(start + count);
      if (static_cast<std::int64_t>(count) < wanted) return false;
    }
    return true;
  }

  /// Adds to `wet` what the voice makes of a block, whose sound begins at `sound`.
  void add(const Voice& voice, std::int64_t sound, std::int64_t begin, const Signal& block,
           Stereo<Signal>& wet, Stereo<Stopwatch>& computing) {
    const std::int64_t first = std::max(voice.begin, sound);
    const std::int64_t last = std::min(voice.end, begin + std::ssize(block));
    if (first >= last) return;
    const auto heard = std::span(block).subspan(static_cast<std::size_t>(first - begin),
                                                static_cast<std::size_t>(last - first));
    Signal dry(heard.size());
    gains_.apply(voice, first, heard, dry.data());
    const std::shared_ptr<const Stereo<Signal>> response = responses_.load(voice.response);
    for (const Side side : kSides) {
      const Range range("convolve", side);
      const Signal& taps = (*response)[side];
      Signal one(dry.size() + taps.size() - 1);
      computing[side].time([&] { convolve_(dry, taps, one); });
      float* const to = wet[side].data() + (first - begin);
      for (std::size_t n = 0; n < one.size(); ++n) to[n] += one[n];
    }
  }

  void (*convolve_)(std::span<const float>, std::span<const float>, std::span<float>);
  SceneResponses responses_;
  std::vector<Voice> voices_;
  VoiceGains gains_;
  std::int64_t block_;  // samples
};

}  // namespace

std::unique_ptr<SceneRenderer> make_scene_renderer(const Method& method, SceneResponses responses,
                                                   std::vector<Voice> voices, std::int64_t length,
                                                   int device) {
  const Range range("plan");
  if (is_vectorised(method)) {
    return std::make_unique<VectorisedScene>(std::move(responses), std::move(voices), length);
  }
  if (method.processor == Processor::cpu) {
    return std::make_unique<WholeScene>(method, std::move(responses), std::move(voices));
  }
  return make_gpu_scene_renderer(method, std::move(responses), std::move(voices), length, device);
}

}  // namespace gpuconv
