// temporary_file.hpp - a file beside OUTPUT that is gone unless it becomes OUTPUT
//
// Its name is ".NAME.gpuconv-MACHINE-PID.tmp". A killed process leaves it; the next
// one that works in the same folder removes it. A lock shows whether its owner is dead: it
// ends with the process and holds between containers, where process numbers mean nothing. Not every
// network drive carries locks from one machine to another: what another machine has made there is
// removed only when nobody has written to it for a day.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/base/interrupt.hpp"
#include "host/files/file_descriptor.hpp"

namespace gpuconv {

class TemporaryFile {
 public:
  /// In the folder of `target`; a FileError names `output`.
  TemporaryFile(const std::string& output, const std::string& target);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();  ///< removes it, unless it was renamed or kept

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_.get(); }

  /// False, with errno, if the system could not keep what was written.
  [[nodiscard]] bool close() { return descriptor_.close() == 0; }
  /// False, with errno, if it could not take the place of `target`: EEXIST if a file is there and
  /// may not be replaced.
  [[nodiscard]] bool rename_to(const std::string& target, bool may_replace);
  /// The file stays, in a place of its own beside `target`: "wet.kept.wav", which nobody takes for
  /// a temporary one. Where it cannot be moved it stays at path(). Returns where it is, or nothing
  /// if it is gone.
  std::optional<std::string> keep(const std::string& target);

 private:
  bool create(const std::string& candidate);

  std::string path_;
  FileDescriptor descriptor_;
  FileDescriptor lock_;  // the same open file: close() must not end the lock before the rename
  std::unique_ptr<RemovedBySignal> removed_by_signal_;  // null: no longer temporary
};

/// Whether other machines may write to `folder`, whose locks are not seen here: a network drive, or
/// what passes for one (FUSE).
bool is_shared_drive(const std::string& folder);

/// Removes the temporary files in `folder` that belong to nobody any more. Looks once into each
/// folder.
void remove_stale_temporaries(const std::string& folder, bool is_shared);

}  // namespace gpuconv
