// run.hpp - a method on signals in memory, and which methods to run here
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "host/methods/choose.hpp"
#include "host/methods/method.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv::test {

/// Collects frames.
struct Frames {
  Stereo<Signal> wet;
  void operator()(Stereo<std::span<const float>> block) {
    for (const Side side : kSides) {
      wet[side].insert(wet[side].end(), block[side].begin(), block[side].end());
    }
  }
};

/// Reads a signal in memory, at most `slice` samples at a time into the front of each block.
class MemorySource {
 public:
  explicit MemorySource(const Signal& signal) : signal_(signal) {}
  std::size_t operator()(std::span<float> block) {
    const std::size_t count = std::min(block.size(), signal_.size() - used_);
    std::copy_n(signal_.begin() + static_cast<std::ptrdiff_t>(used_), count, block.begin());
    used_ += count;
    return count;
  }

 private:
  const Signal& signal_;
  std::size_t used_ = 0;
};

inline Stereo<Signal> run(Renderer& renderer, const Signal& source) {
  Frames frames;
  MemorySource memory(source);
  renderer.run(std::ref(memory), std::ref(frames));
  return frames.wet;
}

inline Stereo<Signal> run(const Method& method, const Signal& source,
                          const Stereo<Signal>& response) {
  const auto renderer =
      make_renderer(method, response, static_cast<std::int64_t>(source.size()), 0);
  return run(*renderer, source);
}

/// Why N samples and K taps are too much for a GPU method on the GPU here; empty if they are not.
inline std::string why_too_much_here(const Method& method, std::int64_t N, std::int64_t K) {
  if (method.processor == Processor::cpu) return "";
  const Devices devices = query_devices();
  return devices.list.empty() ? "" : why_too_much(method, N, K, devices.list.front());
}

/// "gpu-tiled" as a test name: "gpu_tiled".
inline std::string test_name(std::string_view method) {
  std::string name(method);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

}  // namespace gpuconv::test

/// Skips a test whose method cannot run here.
#define GPUCONV_SKIP_UNLESS_RUNS(method)                                                   \
  if (const std::string reason = ::gpuconv::why_not((method), ::gpuconv::query_devices()); \
      !reason.empty())                                                                     \
  GTEST_SKIP() << (method).name << ": " << reason
