// flac_frames.hpp - are all frames of a FLAC there, and whole?
//
// libsndfile stops at the first damage without an error. Where frames are missing it goes on with
// the next one, or fills in silence. So gpuconv follows the frames: each begins with a header that
// has its number, ends with a checksum (RFC 9639, section 9), and the next one follows at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gpuconv {

/// The first bytes of a FLAC. A block of metadata follows, STREAMINFO (RFC 9639, section 8).
inline constexpr std::string_view kFlacMagic = "fLaC";

/// Where STREAMINFO says how many samples per channel there are, and in how many bytes.
inline constexpr std::size_t kFlacTotal = 21, kFlacTotalBytes = 5;

/// Whether a FLAC begins with these bytes, of which 8 are needed.
bool begins_flac(std::span<const unsigned char> head);

/// The samples per channel in the bytes of kFlacTotal, of which they take 36 bits; 0: unknown.
std::int64_t flac_total(std::span<const unsigned char> bytes);

class FlacFrames {
 public:
  /// Whether to follow the frames also where the header names the length: hole() needs that.
  enum class Follow { without_length, always };
  explicit FlacFrames(Follow follow = Follow::without_length) : follow_(follow) {}

  /// Takes the next bytes, from the first one of the file on.
  void take(std::span<const unsigned char> bytes);

  struct Verdict {
    bool is_whole;         ///< it ends with a frame, or with what may follow the last one
    bool is_damaged;       ///< it is not whole, and not only because it breaks off
    std::int64_t samples;  ///< per channel, of the whole frames
  };

  /// The state of the bytes so far. Nothing for a FLAC that names its length: there the decoded
  /// frames are counted. A tag (ID3v1, APEv2) may follow the last frame, or 27 bytes of the header:
  /// libsndfile writes them there if it cannot go back.
  std::optional<Verdict> verdict() const;

  struct Hole {
    std::int64_t begin;  ///< samples per channel before it
    bool is_missing;     ///< whole frames are not there; otherwise a frame is damaged
  };

  /// The first frame that is damaged or missing, of those that should stand before another one.
  /// Only where the decoder has stumbled: by chance, once in a hundred gigabytes, sound looks so.
  std::optional<Hole> hole() const;

  struct Header {
    std::uint64_t next;    ///< number of the next frame
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
  std::vector<unsigned char> kept_;  // bytes that are not followed yet
  std::vector<unsigned char> tail_;  // the last bytes
  std::int64_t position_ = 0;        // of kept_
  bool is_metadata_ = true;
  bool has_length_ = false;
  bool is_lost_ = false;  // no frame where the first one should be
  std::optional<Header> frame_;
  std::uint16_t sum_ = 0;           // of the frame so far
  std::vector<std::int64_t> ends_;  // where its checksum was right
  int headers_inside_ = 0;          // bytes that look like headers of other frames
  bool has_gap_ = false;            // a frame ends, and another than the next one follows
  bool begins_late_ = false;        // the first frame has another number than 0
  std::int64_t samples_ = 0;        // of the frames before
};

}  // namespace gpuconv
