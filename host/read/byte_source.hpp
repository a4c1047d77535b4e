// byte_source.hpp - audio from a pipe, as libsndfile can read it
//
// libsndfile goes back and forth in a header and asks for the length of a file. A pipe has neither,
// so its first bytes are kept until the samples begin, and its length is endless. Files whose
// header libsndfile must not believe are read in the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/files/input_file.hpp"
#include "host/read/integrity_check.hpp"

struct sf_private_tag;  // libsndfile's SNDFILE
struct SF_INFO;

namespace gpuconv {

class ByteSource {
 public:
  static constexpr std::size_t kHeadBytes = 64;

  /// `descriptor` stays the caller's; `path` is named by errors. `file_bytes` is -1 for a pipe. All
  /// positions of a file count from `origin`.
  ByteSource(int descriptor, std::string path, std::int64_t file_bytes, std::int64_t origin = 0);
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Up to `count` bytes from `offset` on, as far as the header may reach. Nothing is consumed.
  std::vector<unsigned char> look(std::int64_t offset, std::size_t count);

  /// Drops the first `bytes` of a pipe, or what there is of them: positions count from there. Only
  /// before anything but look().
  void skip(std::int64_t bytes);

  /// The next bytes, as soon as there are any, and how many; 0 at the end. Instead of open().
  std::size_t read_available(std::span<unsigned char> bytes);

  /// How many frames the header of a FLAC promises; 0 if it does not say or this is none. From now
  /// on it says nothing: libFLAC would stop there whatever follows.
  std::int64_t hide_flac_total();

  /// Lets libsndfile see `bytes` at `offset`, in the header, instead of what is there.
  void overwrite(std::int64_t offset, std::span<const unsigned char> bytes);

  /// Watches the bytes go by that are read.
  void watch(IntegrityCheck::Kind kind) {
    // What has gone through a pipe is gone; a file can be read again.
    watch_.emplace(kind,
                   is_file_ ? FlacFrames::Follow::without_length : FlacFrames::Follow::always);
    watch_->take(0, is_file_ ? look(0, kHeadBytes) : head_);  // before anything is hidden
  }

  /// What it has seen, of those bytes that libsndfile has left, too, or not. Only after watch().
  const IntegrityCheck& watch_rest();
  const IntegrityCheck& watched() const { return *watch_; }

  /// Only these bytes are seen from now on; -1: up to the end.
  void restrict_to(std::int64_t begin, std::int64_t bytes);

  /// As sf_open(); this object must stay where it is.
  sf_private_tag* open(SF_INFO& info);

  /// Where bytes were missing: throws if that was no end, but an error of the system or a signal.
  void check_end() const;

  /// Whether there is more to read, or the end. A writer who has written what he promised may keep
  /// the pipe open: he is waited for a moment.
  bool goes_on() const;

  /// Whether a pipe has bytes up to `end`, as long as it goes on.
  bool reaches(std::int64_t end);

  /// `count` bytes from `offset` on, or fewer at the end, behind the samples. In a pipe never
  /// before the `offset` of an earlier call, nor the `end` of one of reaches().
  std::vector<unsigned char> read_trailing(std::int64_t offset, std::size_t count);

  // What libsndfile calls: positions count from the first byte that is to be seen.
  std::int64_t length() const;
  std::int64_t position() const { return position_ - begin_; }
  std::int64_t seek(std::int64_t offset, int whence);
  std::int64_t read(std::span<unsigned char> bytes);

 private:
  bool is_over() const;
  std::size_t keep_up_to(std::int64_t end);
  bool keep_more(std::size_t most);
  std::size_t read_pipe(std::span<unsigned char> bytes);
  std::size_t read_some(std::span<unsigned char> bytes);
  bool read_tail(std::int64_t wanted);
  std::int64_t tail_end() const;

  int descriptor_;
  std::string path_;
  bool is_file_;
  std::int64_t origin_;
  int error_ = 0;                    // errno of a read that failed
  std::vector<unsigned char> head_;  // the first bytes
  bool is_header_ = true;            // until open() ends; afterwards, nobody goes back in a pipe
  std::int64_t position_ = 0;        // in the pipe
  std::int64_t begin_ = 0;
  std::int64_t end_;
  std::vector<unsigned char> tail_;  // bytes behind the samples, from tail_begin_ on
  std::int64_t tail_begin_ = -1;     // -1: none has been asked for
  std::optional<IntegrityCheck> watch_;
};

}  // namespace gpuconv
