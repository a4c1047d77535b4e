// source.hpp - the dry recording: one channel of an audio file, or several side by side
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/read/audio_file.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/read/source_options.hpp"

namespace gpuconv {

/// Which channels to read of a file with this format, counted from 1. What it throws, the
/// constructor throws.
using ChooseChannels = std::function<std::vector<int>(const AudioFormat& format)>;

/// Chooses the channel that `options` name, or the only one.
ChooseChannels one_channel(const std::string& path, const SourceOptions& options);

class SourceReader {
 public:
  explicit SourceReader(const std::string& path, const SourceOptions& options = {})
      : SourceReader(path, options, one_channel(path, options)) {}
  SourceReader(const std::string& path, const SourceOptions& options, const ChooseChannels& choose);

  /// `frames` are those of the part that is read.
  const AudioFormat& format() const { return format_; }

  /// Reads the next samples and returns how many; fewer than `mono.size()` only at the end, and 0
  /// ever after. Fits ReadSource. Throws FileError if the recording has no samples, or ends before
  /// the part that is asked for.
  std::size_t read(std::span<float> mono) { return read(std::span(&mono, 1)); }

  /// The same of all channels that were chosen, in their order: spans of one length.
  std::size_t read(std::span<const std::span<float>> channels);

  /// How many were chosen.
  std::size_t channels() const { return channels_.size(); }

  /// See AudioReader::shortfall().
  const std::string& shortfall() const { return reader_.shortfall(); }

  /// See AudioReader::remark().
  const std::string& remark() const { return reader_.remark(); }

  /// How many samples, of the channels that are read, were NaN or infinite and became 0.
  std::int64_t replaced() const { return replaced_; }

 private:
  void begin_part();
  void check_part_end();
  [[noreturn]] void refuse_part(std::int64_t frames) const;

  std::string path_;
  NonFinite nonfinite_;
  AudioReader reader_;
  AudioFormat format_;
  std::vector<std::size_t> channels_;  ///< those that are read, counted from 0
  std::optional<double> offset_, duration_;
  std::int64_t position_ = 0;  ///< of the next sample in the recording
  std::int64_t left_ = kAll;   ///< samples of the part
  static constexpr std::int64_t kAll = INT64_MAX;
  std::vector<float> frames_;
  std::int64_t replaced_ = 0;
};

}  // namespace gpuconv
