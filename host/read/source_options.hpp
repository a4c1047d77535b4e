// source_options.hpp - how a recording is read
#pragma once

#include <cstdint>
#include <optional>

#include "host/read/input_tolerance.hpp"
#include "host/read/raw_format.hpp"

namespace gpuconv {

/// Durations in lists are rounded. As Lhotse's LHOTSE_AUDIO_DURATION_MISMATCH_TOLERANCE. Seconds.
inline constexpr double kEndTolerance = 0.025;

struct SourceOptions {
  std::optional<int> channel;  ///< counted from 1; needed if there are several
  NonFinite nonfinite = NonFinite::error;
  Truncated truncated = Truncated::error;
  Formats formats = Formats::allowed;
  std::optional<RawFormat> raw = std::nullopt;  ///< samples without a header

  /// The part to read, in seconds; each end is that of the nearest sample. A part may end up to
  /// kEndTolerance after the recording.
  std::optional<double> offset = std::nullopt;
  std::optional<double> duration = std::nullopt;

  bool is_of_scene = false;            ///< for messages: a voice's file
  bool channel_is_of_several = false;  ///< of a single one, `channel` does not matter
  /// The recording is a part of a file, begins at this byte and has so many. Without their number
  /// the file is an archive of Kaldi, whose entries say where they end.
  std::optional<std::int64_t> archive_offset = std::nullopt;
  std::optional<std::int64_t> archive_bytes = std::nullopt;
  /// INPUT is a command for `sh -c`, which prints the recording.
  bool is_command = false;
};

}  // namespace gpuconv
