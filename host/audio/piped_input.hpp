// piped_input.hpp - audio from a pipe, as libsndfile can read it
//
// libsndfile goes back and forth in a header and asks for the length of a file. A pipe has neither,
// so its first bytes are kept until the samples begin, and its length is endless. The header of a
// WAV is read here, since libsndfile takes sizes at their word: those that a program writes when it
// can not know them (0, 0x7ffff000, 0x7fffffff, 0xffffffff) mean "up to the end" and not 2 GiB.
// Files whose header libsndfile must not believe are read in the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/audio/input_file.hpp"
#include "host/audio/raw_format.hpp"

struct sf_private_tag;  // libsndfile's SNDFILE
struct SF_INFO;

namespace gpuconv {

/// Of a file with these first bytes: whether it is a WAV, or an RF64, that find_wav() understands.
bool is_wav(std::span<const unsigned char> head);

/// The samples of a WAV in a pipe.
struct PipedWav {
  RawFormat format;
  std::int64_t begin;  ///< first byte of the samples
  std::int64_t bytes;  ///< of the samples; -1: up to the end
};

class PipedInput {
 public:
  /// `descriptor` stays the caller's; `path` is named by errors. `file_bytes` is -1 for a pipe.
  PipedInput(int descriptor, std::string path, std::int64_t file_bytes);
  PipedInput(const PipedInput&) = delete;
  PipedInput& operator=(const PipedInput&) = delete;

  /// Up to `count` bytes from `offset` on, as far as the header may reach. Nothing is consumed.
  std::vector<unsigned char> look(std::int64_t offset, std::size_t count);

  /// What the pipe says of itself if it is a WAV or an RF64. Throws FileError if that makes no
  /// sense. A size of 0 means "up to the end", as of a recorder that could not go back to write it;
  /// but where a chunk follows, the header is right and there are no samples.
  std::optional<PipedWav> find_wav();

  /// How many frames the header of a FLAC promises; 0 if it does not say or this is none. From now
  /// on it says nothing: libFLAC would stop there whatever follows.
  std::int64_t hide_flac_total();

  /// Only these bytes are seen from now on; -1: up to the end.
  void restrict_to(std::int64_t begin, std::int64_t bytes);

  /// As sf_open(); this object must stay where it is.
  sf_private_tag* open(SF_INFO& info);

  /// Where bytes were missing: throws if that was no end, but an error of the system or a signal.
  void check_end() const;

  /// Whether there is more to read, or the end. A writer who has written what he promised may keep
  /// the pipe open: he is waited for a moment.
  bool goes_on() const;

  /// Reads on behind the samples, while it goes on, and returns how many bytes come, up to `most`.
  std::int64_t skip(std::int64_t most);

  // What libsndfile calls: positions count from the first byte that is to be seen.
  std::int64_t length() const;
  std::int64_t position() const { return position_ - begin_; }
  std::int64_t seek(std::int64_t offset, int whence);
  std::int64_t read(std::span<unsigned char> bytes);

 private:
  std::size_t keep_up_to(std::int64_t end);
  std::size_t read_pipe(std::span<unsigned char> bytes);

  int descriptor_;
  std::string path_;
  bool is_file_;
  int error_ = 0;                    // errno of a read that failed
  std::vector<unsigned char> head_;  // the first bytes
  bool is_header_ = true;            // until open() ends; afterwards, nobody goes back in a pipe
  std::int64_t position_ = 0;        // in the pipe
  std::int64_t begin_ = 0;
  std::int64_t end_;
};

}  // namespace gpuconv
