// mp3_frames.hpp - the frames of MPEG audio (MP3 and its kin), one after the other
//
// MPEG audio has no header that counts its samples: a file is its frames, and a decoder looks for
// the next one wherever the last one ends. libmpg123 skips other bytes without an error. So gpuconv
// follows the frames itself: each must begin where the one before ends. The decoder sees nothing
// else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// The first four bytes of a frame: ISO 11172-3, 2.4.1.3, and 13818-3; MPEG-2.5 by its makers.
struct Mp3Header {
  enum class Version { mpeg1, mpeg2, mpeg2_5 };
  Version version;
  int layer;          ///< 1, 2 or 3
  int rate;           ///< Hz
  int channels;       ///< 1 or 2
  int samples;        ///< per channel
  std::size_t bytes;  ///< of the whole frame
  bool has_checksum;

  /// Whether a frame with this header may follow one with `other`: all but the bit rate is equal.
  bool continues(const Mp3Header& other) const;
};

/// Nothing unless a frame begins with `bytes`, of which four are needed. Frames of a free bit rate,
/// whose size does not stand in the header, are none.
std::optional<Mp3Header> mp3_header(std::span<const unsigned char> bytes);

/// What the first frame of a file may hold instead of sound: the header of Xing, LAME ("Info") or
/// Fraunhofer ("VBRI").
struct Mp3Info {
  std::optional<std::int64_t> frames;  ///< that follow
  std::optional<std::int64_t> bytes;   ///< of all frames, this one included
  std::optional<int> delay;            ///< samples that the encoder put before the recording
  int padding = 0;                     ///< and after it, where there is a delay
};
std::optional<Mp3Info> mp3_info(std::span<const unsigned char> frame, const Mp3Header& header);

/// Whether MPEG audio begins at the first byte: a frame, and then another one, a tag or the end.
bool begins_mp3(const Peek& peek);

class Mp3Frames {
 public:
  /// Reads the next bytes, as many as there are for the moment, and returns how many; 0 at the end.
  using Read = std::function<std::size_t(std::span<unsigned char>)>;
  explicit Mp3Frames(Read read) : read_(std::move(read)) {}

  /// The next frame, valid until the next call; nothing when there is none.
  std::optional<std::span<const unsigned char>> next();

  /// The header of that frame.
  const Mp3Header& header() const { return *header_; }

  /// Where the next frame is due, in bytes; after the last one, where that ends.
  std::int64_t position() const { return has_ended_ ? end_position_ : position_ + due(); }

  enum class End {
    whole,    ///< after a frame: nothing follows, or tags, or a few bytes of something else
    cut,      ///< within a frame
    joined,   ///< another recording follows
    damaged,  ///< something else stands where a frame should begin
  };
  /// After next() has returned nothing.
  End end() const { return end_; }

 private:
  std::int64_t due() const { return static_cast<std::int64_t>(frame_bytes_); }
  std::span<const unsigned char> fill(std::size_t count);
  void drop(std::size_t count);
  End look_at_tail();
  bool skip_tag();

  Read read_;
  std::vector<unsigned char> buffer_;
  std::size_t done_ = 0;  // bytes of the buffer that are used up
  std::size_t frame_bytes_ = 0;
  std::int64_t position_ = 0;
  std::int64_t end_position_ = 0;
  std::optional<Mp3Header> header_;
  End end_ = End::whole;
  bool has_ended_ = false;
};

}  // namespace gpuconv
