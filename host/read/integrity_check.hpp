// integrity_check.hpp - is an Ogg whole, and does another recording follow it or a FLAC?
//
// libsndfile plays a truncated Ogg as a shorter recording, and skips damaged pages. Of several
// concatenated Oggs or FLACs it plays the first.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/read/flac_frames.hpp"
#include "host/read/ogg_pages.hpp"

namespace gpuconv {

class IntegrityCheck {
 public:
  enum class Kind { ogg, flac };
  explicit IntegrityCheck(Kind kind, FlacFrames::Follow follow = FlacFrames::Follow::without_length)
      : kind_(kind), frames_(follow) {}

  /// Takes the bytes from `offset` on, except those that it has taken before.
  void take(std::int64_t offset, std::span<const unsigned char> bytes);

  /// All bytes before this one have been taken.
  std::int64_t position() const { return position_; }

  /// Whether the last page of the recording has come, all of it. Always true of a FLAC.
  bool has_ended() const { return kind_ == Kind::flac || (end_ && position_ >= *end_); }

  /// The first defect of the pages so far, up to the last one, in words; or empty.
  const std::string& damage() const { return damage_; }

  /// Where that page ends; unknown of a FLAC.
  std::optional<std::int64_t> end() const { return end_; }

  /// Whether another recording begins after this one.
  bool has_another() const { return has_another_; }

  /// The frames of a FLAC.
  const FlacFrames& frames() const { return frames_; }

 private:
  void take_ogg(std::span<const unsigned char> bytes);
  void take_flac(std::span<const unsigned char> bytes);
  void take_page(const ogg_page& page, std::int64_t end);

  Kind kind_;
  std::int64_t position_ = 0;
  bool has_another_ = false;

  // Of a FLAC.
  FlacFrames frames_;
  std::vector<unsigned char> kept_;  // the last bytes
  std::size_t searched_ = 0;         // of kept_, for the beginning of another FLAC

  // Of an Ogg.
  OggSync pages_ = open_ogg_sync();
  std::optional<int> serial_;                   // of the recording, the first stream
  std::optional<std::uint32_t> number_before_;  // of its last page so far
  bool is_header_ = false;                      // that page belongs to the header of the stream
  std::string damage_;
  bool is_lost_ = false;  // no page follows
  std::optional<std::int64_t> end_;
};

}  // namespace gpuconv
