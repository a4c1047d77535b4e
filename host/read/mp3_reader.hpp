// mp3_reader.hpp - the samples of MPEG audio, layers I to III
//
// libmpg123 decodes, in its generic form, so that the bytes are the same on every machine. It gets
// whole frames one by one. This class cuts off the encoder's delay and padding where the file names
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/read/audio_format.hpp"
#include "host/read/mp3_frames.hpp"

struct mpg123_handle_struct;

namespace gpuconv {

class Mp3Reader {
 public:
  /// How the frames end, held against the header of Xing, LAME or Fraunhofer.
  struct Verdict {
    Mp3Frames::End end = Mp3Frames::End::whole;
    std::int64_t position = 0;             ///< bytes from the first frame to that end
    std::int64_t samples = 0;              ///< per channel, that are both promised and there
    std::optional<std::int64_t> promised;  ///< samples by the header; nothing without one
    bool has_more = false;                 ///< more frames are there than it promises
  };

  /// Begins at the first frame. `path` is named by errors. Throws FileError where no frame with
  /// sound follows.
  Mp3Reader(std::string path, Mp3Frames::Read read);

  /// Rate, channels and names; the frames by the header, or -1.
  const AudioFormat& format() const { return format_; }

  /// Whether the file says how long it is.
  bool has_length() const { return info_ && info_->frames; }

  /// Reads the next frames of samples, full scale = 1, and returns how many; fewer than fit only at
  /// the end. Throws FileError where a frame cannot be decoded.
  std::size_t read(std::span<float> interleaved);

  /// Follows all frames that have not been read, without decoding them, as long as `goes_on` says
  /// that more may come.
  Verdict follow_rest(const std::function<bool()>& goes_on);

 private:
  struct Close {
    void operator()(mpg123_handle_struct* decoder) const;
  };

  std::optional<std::span<const unsigned char>> next_frame();
  bool decode_next();
  std::int64_t samples_of(std::int64_t frames, bool is_all) const;
  bool counts_itself() const;

  std::string path_;
  Mp3Frames frames_;
  std::unique_ptr<mpg123_handle_struct, Close> decoder_;
  std::optional<Mp3Info> info_;
  AudioFormat format_;
  int frame_samples_ = 0;             // per channel and frame
  std::int64_t count_ = 0;            // frames with sound so far
  bool is_joined_ = false;            // the next frame begins another recording
  bool has_first_ = false;            // the first frame with sound waits to be decoded
  std::vector<float> decoded_;        // samples of the last frame
  std::size_t used_ = 0;              // of these
  std::int64_t skip_ = 0;             // frames of samples still to be cut off at the beginning
  std::optional<std::int64_t> left_;  // frames of samples up to the promised end
};

}  // namespace gpuconv
