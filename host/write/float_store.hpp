// float_store.hpp - keeps frames until --level knows their level: in memory, or on the disk
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/files/output_file.hpp"

namespace gpuconv {

/// Frames of 32-bit floats; from the first one on that kMemoryFrames leave no place for in a
/// temporary file beside OUTPUT.
class FloatStore {
 public:
  static constexpr std::size_t kFrameBytes = 2 * sizeof(float);
  static constexpr std::size_t kMemoryFrames = std::size_t{1} << 20;  // 8 MiB

  explicit FloatStore(const std::string& output) : output_(output) {}

  void write(Stereo<std::span<const float>> wet);
  /// Passes all frames to `wet`, in order.
  void read(const WriteWet& wet);
  /// Fills both ears with the frames from `first` on, and with silence after the last one.
  void read(std::int64_t first, Stereo<std::span<float>> wet);
  std::int64_t frames() const { return count_; }

 private:
  void read_file(const WriteWet& wet);
  [[noreturn]] void throw_lost() const;

  std::string output_;
  std::int64_t count_ = 0;          // frames
  std::vector<float> memory_;       // interleaved
  std::optional<OutputFile> file_;  // never published
  std::vector<float> frames_;       // interleaved
  Stereo<Signal> ears_;
};

}  // namespace gpuconv
