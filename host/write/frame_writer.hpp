// frame_writer.hpp - what every container can do: take frames and end
#pragma once

#include <cstdint>
#include <span>

namespace gpuconv {

/// Takes interleaved frames, in the encoding it was made for.
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  virtual void write(std::span<const float> frames) = 0;
  /// PCM in the range of the file's bits.
  virtual void write(std::span<const std::int32_t> frames) = 0;
  /// Completes the header. Afterwards every byte has been handed to the system.
  virtual void finish() = 0;
};

}  // namespace gpuconv
