// cpu_response_spectra.hpp - of the responses of a scene, the spectra that are in use
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/cpu_floats_pool.hpp"
#include "host/methods/voice.hpp"

namespace gpuconv {

struct ResponseSpectra {
  std::shared_ptr<const Stereo<Signal>> taps;  ///< null once they are transformed
  std::vector<float*> spectra;                 ///< of partition i / 2 of side i % 2
  std::int64_t last_used = 0;                  ///< in this batch
};

/// Loads responses when they are first used, makes room for their spectra, and forgets them.
class SpectraInUse {
 public:
  /// A response is cut into parts of `part` taps, whose spectra have so many floats.
  SpectraInUse(const SceneResponses& responses, std::span<const Voice> voices, int part,
               std::size_t spectrum_size);

  /// Loads the taps of a response that will be used.
  void load_ahead(std::size_t response);

  /// The spectra of a response, which are used in `batch`. Throws std::invalid_argument for taps
  /// that are not as many as SceneResponses says.
  ResponseSpectra& use(std::size_t response, std::int64_t batch);

  /// What use() has returned for the first time since finish_fresh(): its taps are to be
  /// transformed.
  const std::vector<ResponseSpectra*>& fresh() const { return fresh_; }
  /// They have been.
  void finish_fresh();

  /// A voice with this response has ended.
  void end_voice(std::size_t response) { --uses_[response]; }

  /// Forgets what `batch` does not use: what no voice will use again, and of the rest the longest
  /// unused first, beyond `most_idle` bytes.
  void forget(std::int64_t batch, std::size_t most_idle);

 private:
  using Made = std::map<std::size_t, ResponseSpectra>;
  Made::iterator erase(Made::iterator one);

  const SceneResponses& responses_;
  std::int64_t part_;
  std::size_t spectrum_size_;
  FloatsPool pool_;
  Made spectra_;
  std::map<std::size_t, std::shared_ptr<const Stereo<Signal>>> ahead_;  // taps of others
  std::map<std::size_t, std::size_t> uses_;  // of each response, by voices that have not ended
  std::vector<ResponseSpectra*> fresh_;
};

}  // namespace gpuconv
