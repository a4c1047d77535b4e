#include "host/render/cpu_renderer.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "cuda/runtime/range.hpp"
#include "host/base/stopwatch.hpp"
#include "host/methods/cpu_lengths.hpp"
#include "host/methods/cpu_vectorised.hpp"

namespace gpuconv {
namespace {

/// The rungs that are one function of two whole signals: of a long source, a block at a time.
class WholeRenderer final : public Renderer {
 public:
  WholeRenderer(const Method& method, const Stereo<Signal>& response)
      : convolve_(method.convolve),
        response_(response),
        block_(static_cast<std::size_t>(
            whole_block_length(static_cast<std::int64_t>(response.left.size())))) {}

  RenderReport run(const ReadSource& source, const WriteWet& write) override {
    Stopwatch reading, writing;
    Stereo<Stopwatch> computing;
    RenderReport report;
    Signal dry;
    Stereo<Signal> wet;
    Stereo<Signal> tail;  // what the blocks before sound on
    const auto write_frames = [&](Stereo<std::span<const float>> frames) {
      const Range range("write");
      writing.time([&] { write(frames); });
      report.frames += std::ssize(frames.left);
    };
    while (reading.time([&] { return read_block(source, dry); })) {
      report.source_samples += std::ssize(dry);
      for (const Side side : kSides) {
        const Range range("convolve", side);
        wet[side].resize(dry.size() + response_[side].size() - 1);
        computing[side].time([&] { convolve_(dry, response_[side], wet[side]); });
        for (std::size_t n = 0; n < tail[side].size(); ++n) wet[side][n] += tail[side][n];
        tail[side].assign(wet[side].begin() + std::ssize(dry), wet[side].end());
      }
      write_frames({std::span(wet.left).first(dry.size()), std::span(wet.right).first(dry.size())});
    }
    if (!tail.left.empty()) write_frames({tail.left, tail.right});
    report.stages = {{"read", reading.seconds()},
                     {"compute left", computing.left.seconds()},
                     {"compute right", computing.right.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  /// The next samples of the source, a block or the rest; false if there are none.
  bool read_block(const ReadSource& source, Signal& dry) const {
    constexpr std::size_t kStep = 1 << 16;  // a short source takes little memory
    const Range range("read");
    dry.clear();
    while (dry.size() < block_) {
      const std::size_t start = dry.size();
      const std::size_t wanted = std::min(kStep, block_ - start);
      dry.resize(start + wanted);
      const std::size_t count = source(std::span(dry).subspan(start));
      dry.resize(start + count);
      if (count < wanted) break;
    }
    return !dry.empty();
  }

  void (*convolve_)(std::span<const float>, std::span<const float>, std::span<float>);
  Stereo<Signal> response_;
  std::size_t block_;  // samples
};

class VectorisedRenderer final : public Renderer {
 public:
  VectorisedRenderer(std::shared_ptr<const VectorisedConvolver> convolver,
                     SourceThread source_thread)
      : convolver_(std::move(convolver)), source_thread_(source_thread) {}

  RenderReport run(const ReadSource& source, const WriteWet& write) override {
    Stopwatch all, reading, writing;
    Stopwatch reading_elsewhere;  // while this thread does something else
    const auto here = std::this_thread::get_id();
    RenderReport report;
    const auto read = [&](std::span<float> block) {
      const Range range("read");
      Stopwatch& watch = std::this_thread::get_id() == here ? reading : reading_elsewhere;
      const std::size_t count = watch.time([&] { return source(block); });
      report.source_samples += static_cast<std::int64_t>(count);
      return count;
    };
    const auto write_wet = [&](Stereo<std::span<const float>> wet) {
      const Range range("write");
      report.frames += static_cast<std::int64_t>(wet.left.size());
      writing.time([&] { write(wet); });
    };
    all.time([&] {
      const Range range("convolve");
      convolver_->run(read, write_wet, 0, source_thread_);
    });
    report.stages = {{"read", reading.seconds() + reading_elsewhere.seconds()},
                     {"compute", all.seconds() - reading.seconds() - writing.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  std::shared_ptr<const VectorisedConvolver> convolver_;
  SourceThread source_thread_;
};

}  // namespace

std::unique_ptr<Renderer> make_cpu_renderer(const Method& method, const Stereo<Signal>& response) {
  if (is_vectorised(method)) {
    return make_cpu_renderer(std::make_shared<const VectorisedConvolver>(response));
  }
  return std::make_unique<WholeRenderer>(method, response);
}

std::unique_ptr<Renderer> make_cpu_renderer(std::shared_ptr<const VectorisedConvolver> convolver,
                                            SourceThread source_thread) {
  return std::make_unique<VectorisedRenderer>(std::move(convolver), source_thread);
}

bool is_vectorised(const Method& method) {
  return method.processor == Processor::cpu && method.convolve == nullptr;
}

}  // namespace gpuconv
