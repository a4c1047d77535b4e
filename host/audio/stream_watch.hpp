// stream_watch.hpp - does an Ogg end, and does another recording follow it or a FLAC?
//
// libsndfile takes the length of an Ogg from the last page that is there: of one that was cut it
// plays a shorter recording. And where several Oggs or FLACs were joined, it plays the first one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gpuconv {

class StreamWatch {
 public:
  enum class Kind { ogg, flac };
  explicit StreamWatch(Kind kind) : kind_(kind) {}

  /// Takes the bytes from `offset` on: those that it has not had yet.
  void take(std::int64_t offset, std::span<const unsigned char> bytes);

  /// All bytes before this one have been taken.
  std::int64_t position() const { return position_; }

  /// Whether the last page of the recording has come. Always true of a FLAC.
  bool has_ended() const { return kind_ == Kind::flac || end_; }

  /// Where that page ends. Nobody knows of a FLAC.
  std::optional<std::int64_t> end() const { return end_; }

  /// Whether another recording begins behind this one.
  bool has_another() const { return has_another_; }

 private:
  void take_ogg(std::span<const unsigned char> bytes);
  void take_flac(std::span<const unsigned char> bytes);
  void take_page(std::int64_t begin);

  Kind kind_;
  std::int64_t position_ = 0;
  std::vector<unsigned char>
      kept_;               // the header of a page as far as it has come, or a FLAC's bytes
  std::size_t skips_ = 0;  // bytes up to the next page
  bool is_lost_ = false;   // what follows are no pages
  std::optional<std::uint64_t> serial_;
  std::optional<std::int64_t> end_;
  bool has_another_ = false;
};

}  // namespace gpuconv
