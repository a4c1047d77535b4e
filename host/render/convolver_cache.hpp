// convolver_cache.hpp - plans that several jobs use
//
// A batch convolves thousands of recordings with a few responses. What is planned for a response,
// its spectra, is found again by the response's taps themselves. Many threads use one plan of
// cpu-vectorised; a plan of a GPU method has one user at a time, and holds memory of the device.
// Clips of several jobs share a launch where there is a gatherer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "host/base/signal.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/render/clip_gatherer.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

/// May be used by several threads at once. What has not been used for longest goes first.
class ConvolverCache {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;

  explicit ConvolverCache(std::size_t bytes = kBytes) : bytes_(bytes) {}

  /// From now on clips go through it, and other sources take turns on a device. Every thread that
  /// calls take() works for it (ClipGatherer::Working). Before the first take().
  void gather(std::shared_ptr<ClipGatherer> gatherer) { gatherer_ = std::move(gatherer); }

  /// The plan of cpu-vectorised for these taps.
  std::shared_ptr<const VectorisedConvolver> find(const Stereo<Signal>& response);

  /// A plan of a GPU method for sources of N samples, or one's part in a group of clips.
  struct OnGpu {
    std::shared_ptr<ClipGatherer::Turn> turn = nullptr;
    const Method* method = nullptr;
    Stereo<Signal> response;
    std::int64_t N = 0;
    int device = 0;
    std::unique_ptr<Renderer> renderer;
    bool is_plan = true;
  };
  static constexpr std::size_t kIdleOnGpu = 4;  ///< of each device

  /// One that was given back, or a new one; the caller alone uses it, and `response` outlives it.
  /// Throws as make_renderer().
  OnGpu take(const Method& method, const Stereo<Signal>& response, std::int64_t N, int device);
  /// Frees the device memory of plans that nobody uses; false if there are none.
  bool free_idle(int device);
  /// For what takes all of a device beside them. Null where no one else uses it.
  std::shared_ptr<ClipGatherer::Turn> take_turn(int device) {
    return gatherer_ ? gatherer_->take_turn(device) : nullptr;
  }
  /// After a run that has not failed.
  void give_back(OnGpu plan);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::shared_ptr<const VectorisedConvolver> convolver;
  };
  class Taken;
  void keep_within_limit();
  OnGpu take_plan(const Method& method, const Stereo<Signal>& response, std::int64_t N, int device);

  std::size_t bytes_;
  std::shared_ptr<ClipGatherer> gatherer_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  std::list<OnGpu> idle_;     // the last given back first
};

}  // namespace gpuconv
