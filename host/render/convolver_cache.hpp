// convolver_cache.hpp - plans of cpu-vectorised that several jobs use
//
// A batch convolves thousands of recordings with a few responses. What is planned for a response,
// its spectra, is found again by the response's taps themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "host/base/signal.hpp"
#include "host/methods/cpu_vectorised.hpp"

namespace gpuconv {

/// May be used by several threads at once. What has not been used for longest goes first.
class ConvolverCache {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;

  explicit ConvolverCache(std::size_t bytes = kBytes) : bytes_(bytes) {}

  /// The plan for these taps.
  std::shared_ptr<const VectorisedConvolver> find(const Stereo<Signal>& response);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::shared_ptr<const VectorisedConvolver> convolver;
  };
  void keep_within_limit();

  std::size_t bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace gpuconv
