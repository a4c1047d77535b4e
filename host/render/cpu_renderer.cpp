#include "host/render/cpu_renderer.hpp"

#include "cuda/runtime/range.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/render/stopwatch.hpp"

namespace gpuconv {
namespace {

Signal read_all(const ReadSource& source) {
  constexpr std::size_t kBlock = 1 << 16;
  Signal signal;
  for (std::size_t count = kBlock; count == kBlock;) {
    const std::size_t start = signal.size();
    signal.resize(start + kBlock);
    count = source(std::span(signal).subspan(start));
    signal.resize(start + count);
  }
  return signal;
}

/// The rungs that are one function of two whole signals.
class WholeRenderer final : public Renderer {
 public:
  WholeRenderer(const Method& method, const Stereo<Signal>& response)
      : convolve_(method.convolve), response_(response) {}

  RenderReport render(const ReadSource& source, const WriteWet& write) override {
    Stopwatch reading, writing;
    Stereo<Stopwatch> computing;
    const Signal dry = reading.time([&] {
      const Range range("read");
      return read_all(source);
    });
    RenderReport report;
    report.source_samples = static_cast<std::int64_t>(dry.size());
    if (dry.empty()) return report;
    Stereo<Signal> wet;
    for (const Side side : kSides) {
      const Range range("convolve", side);
      wet[side].resize(dry.size() + response_[side].size() - 1);
      computing[side].time([&] { convolve_(dry, response_[side], wet[side]); });
    }
    writing.time([&] {
      const Range range("write");
      write({wet.left, wet.right});
    });
    report.frames = static_cast<std::int64_t>(wet.left.size());
    report.stages = {{"read", reading.seconds()},
                     {"compute left", computing.left.seconds()},
                     {"compute right", computing.right.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  void (*convolve_)(std::span<const float>, std::span<const float>, std::span<float>);
  Stereo<Signal> response_;
};

class VectorisedRenderer final : public Renderer {
 public:
  explicit VectorisedRenderer(const Stereo<Signal>& response) : convolver_(response) {}

  RenderReport render(const ReadSource& source, const WriteWet& write) override {
    Stopwatch all, reading, writing;
    RenderReport report;
    const auto read = [&](std::span<float> block) {
      const Range range("read");
      const std::size_t count = reading.time([&] { return source(block); });
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
      convolver_.render(read, write_wet);
    });
    report.stages = {{"read", reading.seconds()},
                     {"compute", all.seconds() - reading.seconds() - writing.seconds()},
                     {"write", writing.seconds()}};
    return report;
  }

 private:
  VectorisedConvolver convolver_;
};

}  // namespace

std::unique_ptr<Renderer> make_cpu_renderer(const Method& method, const Stereo<Signal>& response) {
  if (method.convolve == nullptr) return std::make_unique<VectorisedRenderer>(response);
  return std::make_unique<WholeRenderer>(method, response);
}

}  // namespace gpuconv
