// source.hpp - the dry recording: one channel of an audio file
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/read/audio_file.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/read/source_options.hpp"

namespace gpuconv {

class SourceReader {
 public:
  explicit SourceReader(const std::string& path, const SourceOptions& options = {});

  const AudioFormat& format() const { return reader_.format(); }

  /// Reads the next samples and returns how many; fewer than `mono.size()` only at the end, and 0
  /// ever after. Fits ReadSource. Throws FileError if the recording has no samples.
  std::size_t read(std::span<float> mono);

  /// See AudioReader::shortfall().
  const std::string& shortfall() const { return reader_.shortfall(); }

  /// See AudioReader::remark().
  const std::string& remark() const { return reader_.remark(); }

  /// How many samples were NaN or infinite and became 0.
  std::int64_t replaced() const { return replaced_; }

 private:
  std::string path_;
  NonFinite nonfinite_;
  AudioReader reader_;
  std::size_t channel_;  ///< counted from 0
  std::vector<float> frames_;
  std::int64_t samples_read_ = 0;
  std::int64_t replaced_ = 0;
};

}  // namespace gpuconv
