// convolver_cache.hpp - plans that several jobs use
//
// A batch convolves thousands of recordings with a few responses. What is planned for a response,
// its spectra, is found again by the response's taps themselves. Many threads use one plan of
// cpu-vectorised; a plan of a GPU method has one user at a time, and holds memory of the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "host/base/signal.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

/// May be used by several threads at once. What has not been used for longest goes first.
class ConvolverCache {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;

  explicit ConvolverCache(std::size_t bytes = kBytes) : bytes_(bytes) {}

  /// The plan of cpu-vectorised for these taps.
  std::shared_ptr<const VectorisedConvolver> find(const Stereo<Signal>& response);

  /// A plan of a GPU method for sources of N samples.
  struct OnGpu {
    const Method* method = nullptr;
    Stereo<Signal> response;
    std::int64_t N = 0;
    int device = 0;
    std::unique_ptr<Renderer> renderer;
  };
  static constexpr std::size_t kIdleOnGpu = 4;  ///< of each device

  /// One that was given back, or a new one; the caller alone uses it. Throws as make_renderer().
  OnGpu take(const Method& method, const Stereo<Signal>& response, std::int64_t N, int device);
  /// After a run that has not failed.
  void give_back(OnGpu plan);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::shared_ptr<const VectorisedConvolver> convolver;
  };
  void keep_within_limit();

  std::size_t bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  std::list<OnGpu> idle_;     // the last given back first
};

}  // namespace gpuconv
