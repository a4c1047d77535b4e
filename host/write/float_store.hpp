// float_store.hpp - keeps frames on the disk until --level knows their level
#pragma once

#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// A temporary file beside OUTPUT with frames of 32-bit floats.
class FloatStore {
 public:
  static constexpr std::size_t kFrameBytes = 2 * sizeof(float);

  explicit FloatStore(const std::string& output) : file_(output, {}) {}

  void write(Stereo<std::span<const float>> wet);
  /// Passes all frames to `wet`, in order.
  void read(const WriteWet& wet);

 private:
  OutputFile file_;  // never published
  std::vector<float> frames_;
};

}  // namespace gpuconv
