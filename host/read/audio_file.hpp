// audio_file.hpp - the samples of an audio file, read once from front to back
//
// A header is a claim. Nothing is allocated by it; rate, channels and sizes are checked before the
// first sample is read and the number of frames is checked against those that came.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "host/files/command.hpp"
#include "host/files/input_file.hpp"
#include "host/read/audio_format.hpp"
#include "host/read/byte_source.hpp"
#include "host/read/container.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/read/mp3_reader.hpp"
#include "host/read/pcm_header.hpp"
#include "host/read/raw_format.hpp"

struct sf_private_tag;  // libsndfile's SNDFILE

namespace gpuconv {

/// Where a recording is that is not a whole file.
struct AudioPlace {
  std::optional<std::int64_t> archive_offset;  ///< the byte of a file at which it begins
  std::optional<std::int64_t> archive_bytes;   ///< otherwise Kaldi's archive says where it ends
  bool is_command = false;                     ///< the path is a command that prints it
};

class AudioReader {
 public:
  /// Opens an audio file; "-" is standard input. With `raw` it has no header, only samples. Throws
  /// FileError, with the value and the limit, unless gpuconv reads this format.
  explicit AudioReader(const std::string& path, Truncated truncated = Truncated::error,
                       Formats formats = Formats::allowed,
                       const std::optional<RawFormat>& raw = std::nullopt,
                       const AudioPlace& place = {});

  const AudioFormat& format() const { return format_; }

  /// Reads the next frames, full scale = 1, and returns how many; fewer than fit into `interleaved`
  /// only at the end, and 0 ever after. A sample outside the range of float becomes infinite.
  std::size_t read(std::span<float> interleaved);

  /// Goes on by so many frames and returns the number of the next one, less only at the end. Files
  /// without compression are not read for that.
  std::int64_t skip(std::int64_t frames);

  /// Whether skip() reads nothing.
  bool skips_at_once() const;

  /// Describes what an accepted file lacks, or what gpuconv did not read of a longer one. Empty if
  /// nothing; final when read() has returned 0.
  const std::string& shortfall() const { return shortfall_; }

  /// Describes what gpuconv cannot verify in this file; or empty.
  const std::string& remark() const { return remark_; }

 private:
  void open_whole(Formats formats, const std::optional<RawFormat>& raw);
  void enter_archive(std::int64_t offset, std::optional<std::int64_t> bytes);
  std::pair<std::int64_t, std::int64_t> find_in_archive(std::int64_t offset);
  void skip_tags();
  void open_mp3();
  AudioFormat open(Formats formats, const std::optional<RawFormat>& raw);
  bool is_pipe() const { return file_.bytes < 0; }
  bool has_frames_or_pages() const { return container_ != nullptr && container_->integrity; }
  bool is_flac() const {
    return has_frames_or_pages() && container_->integrity == IntegrityCheck::Kind::flac;
  }
  Peek peek_at_head();
  void read_through(std::int64_t file_bytes);
  void open_container(Formats formats, std::span<const unsigned char> head);
  void place_samples();
  void overwrite_size(const Samples& samples);
  void check_sizes(std::int64_t promised, std::int64_t present);
  void check_header(std::int64_t frames);
  void check_mp3(const Mp3Reader::Verdict& verdict);
  std::size_t read_frames(std::span<float> interleaved);
  void check_end();
  void check_hole();
  void check_stream();
  void check_frames();
  void check_surplus();
  void check_trailing();
  void check_raw(const RawFormat& raw);
  void lacks(const std::string& problem);
  void exceeds(const std::string& problem);
  void reject_several();
  void reject(const std::string& problem, const char* accepted);

  struct Close {
    void operator()(sf_private_tag* file) const;
  };

  std::string path_;
  Truncated truncated_;
  std::optional<Command> command_;
  InputFile file_;
  std::unique_ptr<ByteSource> bytes_;           // null: a file that libsndfile reads by itself
  std::optional<PcmHeader> pcm_;                // of a WAV and its kin, or a SPHERE
  std::optional<Mismatch> mismatch_;            // of any other file
  const ContainerFormat* container_ = nullptr;  // null: MPEG audio, raw samples or a rare one
  struct Trailing {
    const ChunkLayout* layout;  // null: it has no chunks
    std::int64_t end;           // of the samples
    std::int64_t position;      // of the next chunk: there may be padding between
  };
  static Trailing trailing(const ChunkLayout* layout, std::int64_t begin, std::uint64_t size);
  std::optional<Trailing> trailing_;  // where the header says so
  bool is_streamed_ = false;          // the header says nothing of the length
  int raw_frame_bytes_ = 0;           // of samples without a header
  bool is_joined_ = false;            // another recording follows
  std::unique_ptr<sf_private_tag, Close> sndfile_;
  std::unique_ptr<Mp3Reader> mp3_;  // instead of libsndfile
  std::int64_t tag_bytes_ = 0;      // of ID3v2, before all else
  AudioFormat format_;
  std::string shortfall_;
  std::string remark_;
  std::int64_t frames_read_ = 0;
  bool goes_on_ = false;  // libsndfile does not stop after the promised frames
  bool ended_ = false;
};

}  // namespace gpuconv
