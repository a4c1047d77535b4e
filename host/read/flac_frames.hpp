// flac_frames.hpp - are all frames of a FLAC there, and whole?
//
// libsndfile plays what it can decode: it stops at the first damage without a word, and where
// frames are missing it goes on with the next one, or fills in silence. So the frames are followed
// here: each begins with a header that has its number, ends with a checksum (RFC 9639, section 9),
// and the next one follows at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gpuconv {

class FlacFrames {
 public:
  /// Whether to follow the frames also where the header names the length: hole() needs that.
  enum class Follow { without_length, always };
  explicit FlacFrames(Follow follow = Follow::without_length) : follow_(follow) {}

  /// Takes the next bytes, from the first one of the file on.
  void take(std::span<const unsigned char> bytes);

  struct Verdict {
    bool is_whole;         ///< it ends with a frame, or with what may stand behind the last one
    bool is_damaged;       ///< it is not whole, and not only because it breaks off
    std::int64_t samples;  ///< per channel, of the whole frames
  };

  /// Of the bytes so far; nothing of a FLAC that names its length, where counting the frames that
  /// were decoded says more. Trailing the last frame there may
  /// be a tag (ID3v1, APEv2), or the 27 bytes of the header that libsndfile writes there where it
  /// cannot go back.
  std::optional<Verdict> verdict() const;

  struct Hole {
    std::int64_t begin;  ///< samples per channel before it
    bool is_missing;     ///< whole frames are not there; otherwise a frame is damaged
  };

  /// The first frame that is damaged or missing, of those that should stand before another one.
  /// Only where the decoder has stumbled: by chance, once in a hundred gigabytes, sound looks so.
  std::optional<Hole> hole() const;

  struct Header {
    std::uint64_t next;    ///< what the next frame must have for a number
    std::uint64_t number;  ///< of the frame, or of its first sample
    std::int64_t samples;  ///< per channel
  };

 private:
  bool skip_metadata();
  void follow(std::size_t ahead);
  std::size_t skip_to_interest(std::size_t done, std::size_t end);
  void drop(std::size_t count);
  bool is_tail(std::int64_t bytes) const;

  Follow follow_;
  std::vector<unsigned char> kept_;  // what is not done with
  std::vector<unsigned char> tail_;  // the last bytes
  std::int64_t position_ = 0;        // of kept_
  bool is_metadata_ = true;
  bool is_told_length_ = false;
  bool is_lost_ = false;  // no frame where the first one should be
  std::optional<Header> frame_;
  std::uint16_t sum_ = 0;           // of the frame so far
  std::vector<std::int64_t> ends_;  // where its checksum was right
  int headers_inside_ = 0;          // what looks like other frames' headers
  bool has_gap_ = false;            // a frame ends, and another than the next one follows
  bool begins_late_ = false;        // the first frame has another number than 0
  std::int64_t samples_ = 0;        // of the frames before
};

}  // namespace gpuconv
