// byte_source.hpp - a pipe, or a part of a file, as libsndfile can read it
//
// libsndfile goes back and forth in a header and asks for the length of a file. A pipe has neither,
// so this class keeps its first bytes until the samples begin, and reports an endless length. It
// also reads files whose header libsndfile must not believe.
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
  /// positions of a file count from `origin`. It may be a part of the file and have only `present`
  /// bytes; -1: up to the end of the file.
  ByteSource(int descriptor, std::string path, std::int64_t file_bytes, std::int64_t origin = 0,
             std::int64_t present = -1);
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Up to `count` bytes from `offset` on, as far as the header may reach. Nothing is consumed.
  std::vector<unsigned char> look(std::int64_t offset, std::size_t count);

  /// Drops up to `bytes` of a pipe: positions count from there. Only look() may be called before.
  void skip(std::int64_t bytes);

  /// The next bytes, as soon as there are any, and how many; 0 at the end. Instead of open().
  std::size_t read_available(std::span<unsigned char> bytes);

  /// Returns how many frames the header of a FLAC promises; 0: unknown. Libsndfile does not see the
  /// number, since libFLAC would stop there whatever follows.
  std::int64_t hide_flac_total();

  /// Replaces `bytes` at `offset`, in the header, in the view of libsndfile.
  void overwrite(std::int64_t offset, std::span<const unsigned char> bytes);

  /// Checks all bytes that are read from now on.
  void check_integrity(IntegrityCheck::Kind kind) {
    // A pipe cannot be read again; a file can.
    check_.emplace(kind,
                   is_file_ ? FlacFrames::Follow::without_length : FlacFrames::Follow::always);
    check_->take(0, is_file_ ? look(0, kHeadBytes) : head_);  // before anything is hidden
  }

  /// The check of all bytes, or of those so far. Only after check_integrity().
  const IntegrityCheck& finish_check();
  const IntegrityCheck& integrity() const { return *check_; }

  /// Only these bytes are seen from now on; -1: up to the end.
  void restrict_to(std::int64_t begin, std::int64_t bytes);

  /// As sf_open(); this object must stay where it is.
  sf_private_tag* open(SF_INFO& info);

  /// Throws if bytes were missing because of a signal or an error of the system.
  void check_end() const;

  /// Whether there is more to read, or the end. The writer may keep the pipe open after the
  /// promised samples; gpuconv waits for half a second.
  bool goes_on() const;

  /// Whether a pipe has bytes up to `end`, as long as it goes on.
  bool reaches(std::int64_t end);

  /// `count` bytes from `offset` on, or fewer at the end, after the samples. In a pipe never before
  /// the `offset` of an earlier call, nor the `end` of one of reaches().
  std::vector<unsigned char> read_trailing(std::int64_t offset, std::size_t count);

  // What libsndfile calls: positions count from the first byte that is to be seen.
  std::int64_t length() const;
  std::int64_t position() const { return position_ - begin_; }
  std::int64_t seek(std::int64_t offset, int whence);
  std::int64_t read(std::span<unsigned char> bytes);

 private:
  bool is_over() const;
  std::size_t count_present(std::int64_t offset, std::size_t count) const;
  std::vector<unsigned char> peek_file(std::int64_t offset, std::size_t count) const;
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
  std::int64_t present_;
  int error_ = 0;                    // errno of a read that failed
  std::vector<unsigned char> head_;  // the first bytes
  bool is_header_ = true;            // until open() ends; afterwards, a pipe is read forwards only
  std::int64_t position_ = 0;        // in the pipe
  std::int64_t begin_ = 0;
  std::int64_t end_;
  std::vector<unsigned char> tail_;  // bytes after the samples, from tail_begin_ on
  std::int64_t tail_begin_ = -1;     // -1: none has been asked for
  std::optional<IntegrityCheck> check_;
};

}  // namespace gpuconv
