// sound_cache.hpp - recordings of noise that many jobs use are decoded once
//
// A job of a batch uses a few seconds of a noise of minutes. In a compressed file gpuconv has to
// decode all that is before them; what it has decoded here it finds at once. Files that can be
// entered anywhere are not kept, and a file for which room is missing is not either: once kept, a
// recording stays, so that a pool larger than the room is not decoded again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/read/input_tolerance.hpp"

namespace gpuconv {

/// All frames of a file, as AudioReader reads them.
struct DecodedSound {
  int rate = 0;  ///< Hz
  int channels = 0;
  std::vector<float> interleaved;
  std::string shortfall;  ///< see AudioReader
};

/// May be used by several threads at once; one decodes a file, the others wait for it.
class SoundCache {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;

  explicit SoundCache(std::size_t bytes = kBytes) : bytes_(bytes) {}

  /// The recording; null if it is not kept, or cannot be read to its end: then whoever reads it
  /// meets that.
  std::shared_ptr<const DecodedSound> find(const std::string& path, Truncated truncated,
                                           Formats formats);

 private:
  using Sound = std::shared_ptr<const DecodedSound>;
  Sound decode(const std::string& path, Truncated truncated, Formats formats,
               std::size_t room) const;

  std::mutex mutex_;  // of what follows
  std::size_t bytes_;
  std::size_t used_ = 0;
  std::map<std::string, std::shared_future<Sound>> sounds_;
};

}  // namespace gpuconv
