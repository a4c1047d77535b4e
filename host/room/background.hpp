// background.hpp - the noise of a recording, as long as one wants
//
// Noise of one channel is heard in both ears, noise of two by the ear of its channel. It begins at
// a frame of the file, goes on after its end with its beginning, and has the rate that is asked
// for: soxr converts it as it does responses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/room/resample.hpp"
#include "host/room/sound_cache.hpp"

namespace gpuconv {

struct BackgroundOptions {
  NonFinite nonfinite = NonFinite::error;
  Truncated truncated = Truncated::error;
  Formats formats = Formats::allowed;
  std::shared_ptr<SoundCache> sounds = nullptr;  ///< null: every user decodes for itself
};

class Background {
 public:
  /// Throws FileError for a pipe, which cannot be read twice, and unless there are 1 or 2 channels.
  Background(const std::string& path, const BackgroundOptions& options, int rate);

  int file_rate() const { return decoded_ ? decoded_->rate : reader_->format().rate; }
  int channels() const { return decoded_ ? decoded_->channels : reader_->format().channels; }
  /// Frames of the file, at its own rate. Reads it to its end where its header does not say. Throws
  /// FileError if there are none.
  std::int64_t length();

  /// Begins at this frame of the file, which is below length(). Only before the first read().
  void start_at(std::int64_t frame);

  /// Of the samples that were read so far, again for each time they were.
  Repairs repairs() const { return {replaced_, shortfall_}; }

  /// Fills both ears with the next frames; these do not depend on how many are read at a time.
  void read(Stereo<std::span<float>> frames);

 private:
  std::unique_ptr<AudioReader> open() const;
  void go_to_begin();
  std::size_t fill_portion();
  void read_portion();

  std::string path_;
  BackgroundOptions options_;
  std::shared_ptr<const DecodedSound> decoded_;
  std::unique_ptr<AudioReader> reader_;  // null: all is decoded
  std::optional<SoundResampler> resampler_;
  std::optional<std::int64_t> length_;
  std::int64_t position_ = 0;  // in the file
  std::int64_t replaced_ = 0;
  std::string shortfall_;
  std::vector<float> portion_;
  std::vector<float> ready_;  // converted, interleaved
  std::size_t used_ = 0;      // samples of it
};

}  // namespace gpuconv
