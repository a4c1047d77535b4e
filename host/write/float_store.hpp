// float_store.hpp - frames on the disk until their peak is known
#pragma once

#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// A temporary file beside OUTPUT, of frames as 32-bit floats: what is read is what was written.
class FloatStore {
 public:
  static constexpr int kFrameBytes = 2 * sizeof(float);

  explicit FloatStore(const std::string& output) : file_(output, {}) {}

  void write(Stereo<std::span<const float>> wet);
  /// Hands all frames on, in order.
  void read(const WriteWet& wet);

 private:
  OutputFile file_;  // never published
  std::vector<float> frames_;
};

}  // namespace gpuconv
