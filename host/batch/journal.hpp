// journal.hpp - what a batch has done, so that it need not be done again
//
// A file in the folder of the outputs, ".gpuconv-batch", has a line for each job that was done: a
// hash of all that its output depends on and of the output itself, whether it clipped, and its
// name. A file counts as changed if its size or its time of change has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "host/batch/list.hpp"

namespace gpuconv {

/// Its path, for outputs in `folder`.
std::string journal_of(const std::string& folder);

class Journal {
 public:
  /// `settings`: all options, in words.
  Journal(const std::string& folder, const std::string& settings);

  /// The settings and files that the job's output is made of, as they are now; nothing where that
  /// cannot be told later: a pipe, or no such file.
  std::optional<std::string> origin(const ListedJob& job) const;

  /// Whether the job was done from just this and its output is still what it was; then whether it
  /// clipped.
  std::optional<bool> find(const ListedJob& job, const std::string& origin) const;

  /// False if it cannot be kept.
  bool note(const ListedJob& job, const std::string& origin, bool has_clipped) const;

 private:
  std::string path_;
  std::string settings_;
  std::unordered_map<std::uint64_t, bool> done_;  // hash -> has clipped
};

}  // namespace gpuconv
