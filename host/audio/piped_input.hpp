// piped_input.hpp - audio from a pipe, as libsndfile can read it
//
// libsndfile goes back and forth in a header and asks for the length of a file. A pipe has neither,
// so its first bytes are kept until the samples begin, and its length is endless. The header of a
// WAV is read here, since libsndfile takes sizes at their word: those that a program writes when it
// can not know them (0, 0x7ffff000, 0x7fffffff, 0xffffffff) mean "up to the end" and not 2 GiB.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/audio/raw_format.hpp"

struct sf_private_tag;  // libsndfile's SNDFILE
struct SF_INFO;

namespace gpuconv {

/// The samples of a WAV in a pipe.
struct PipedWav {
  RawFormat format;
  std::int64_t begin;  ///< first byte of the samples
  std::int64_t bytes;  ///< of the samples; -1: up to the end
};

class PipedInput {
 public:
  /// `descriptor` stays the caller's; `path` is named by errors.
  PipedInput(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  PipedInput(const PipedInput&) = delete;
  PipedInput& operator=(const PipedInput&) = delete;

  /// What the pipe says of itself if it is a WAV or an RF64. Throws FileError if that makes no
  /// sense. Nothing is consumed.
  std::optional<PipedWav> find_wav();

  /// Only these bytes are seen from now on; -1: up to the end.
  void restrict_to(std::int64_t begin, std::int64_t bytes);

  /// As sf_open(); this object must stay where it is.
  sf_private_tag* open(SF_INFO& info);

  /// After the end of the samples: throws if it was none, but an error of the system or a signal.
  void check_end() const;

  // What libsndfile calls: positions count from the first byte that is to be seen.
  std::int64_t length() const;
  std::int64_t position() const { return position_ - begin_; }
  std::int64_t seek(std::int64_t offset, int whence);
  std::int64_t read(std::span<unsigned char> bytes);

 private:
  std::vector<unsigned char> look(std::int64_t begin, std::size_t count);
  std::size_t keep_up_to(std::int64_t end);
  std::size_t read_pipe(std::span<unsigned char> bytes);

  int descriptor_;
  std::string path_;
  int error_ = 0;                    // errno of a read that failed
  std::vector<unsigned char> head_;  // the first bytes of the pipe
  bool is_header_ = true;            // until open() ends; afterwards, nobody goes back
  std::int64_t position_ = 0;        // in the pipe
  std::int64_t begin_ = 0;
  std::int64_t end_ = std::int64_t{1} << 62;
};

}  // namespace gpuconv
