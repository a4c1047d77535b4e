// output_file.hpp - an output file that appears complete or not at all
//
// gpuconv writes to a temporary file in the same folder and renames it to OUTPUT once everything is
// on the disk. A failure before that leaves the old file unchanged. gpuconv writes in place to an
// OUTPUT that exists and is not a regular file (a pipe, /dev/null).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/files/file_descriptor.hpp"
#include "host/files/temporary_file.hpp"

namespace gpuconv {

struct OutputOptions {
  bool no_clobber = false;  ///< an error instead of replacing a file
  /// Files that gpuconv still reads: OUTPUT must not be one of them. "-" is standard input.
  std::vector<std::string> inputs;
  /// Of the whole file, if known beforehand. It goes into the header of a pipe. On a disk,
  /// WetWriter checks the free space for it (not for compressed formats).
  std::optional<std::int64_t> frames = std::nullopt;
  /// Bytes that other files in the same folder need for each frame meanwhile.
  int frame_bytes_beside = 0;
  bool makes_folder = false;  ///< creates the folder of OUTPUT
};

class OutputFile {
 public:
  /// Makes sure that OUTPUT can be written before any work is done; FileError says why not. "-" is
  /// standard output, written in place.
  OutputFile(const std::string& path, const OutputOptions& options);

  /// OUTPUT as it was given.
  const std::string& path() const { return path_; }
  /// Where the bytes lie until publish().
  const std::string& written_path() const { return in_place() ? target_ : temporary_->path(); }
  bool in_place() const { return temporary_ == nullptr; }
  /// Pipes cannot: what is written there stays as it is.
  bool seekable() const { return seekable_; }

  /// Throws FileError without room for `bytes` beside what OUTPUT takes now, which is
  /// replaced only at the end. A disk that does not know its size is not asked.
  void require_room(std::int64_t bytes) const;
  /// Writes all bytes where the last write ended, or throws FileError with the system's reason.
  void write(std::span<const std::byte> bytes);
  void seek(std::int64_t position);
  /// Up to so many bytes from `position` on that have been written; only where a temporary file
  /// is. Throws FileError if they cannot be read.
  std::vector<unsigned char> read_back(std::int64_t position, std::size_t count) const;
  /// Drops all bytes so far; those that are written from now on stand where they would have.
  void clear();
  std::int64_t position() const { return position_; }
  std::int64_t bytes() const { return bytes_; }

  /// Asks the system to begin to bring everything to the disk, and does not wait.
  void begin_sync();
  /// Asks the system to bring everything to the disk.
  void sync();
  /// The temporary file becomes OUTPUT. Where it cannot, it is kept, and the FileError says where.
  /// The name is on the disk after sync_folder(folder()).
  void take_place();
  /// Both.
  void publish();
  /// In which OUTPUT lies; "" if it is written in place.
  std::string folder() const;

 private:
  void open_standard_output(const OutputOptions& options);
  [[noreturn]] void keep_result(int error);
  int descriptor() const { return in_place() ? special_.get() : temporary_->descriptor(); }
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  std::string target_;                        ///< path_ with links followed
  std::unique_ptr<TemporaryFile> temporary_;  ///< null: written in place
  FileDescriptor special_;                    ///< what is written in place
  bool may_replace_ = true;
  bool seekable_ = true;
  std::int64_t position_ = 0;
  std::int64_t bytes_ = 0;
};

/// Brings the names in `folder` to the disk. Not every file system can: the files are safe.
void sync_folder(const std::string& folder);

}  // namespace gpuconv
