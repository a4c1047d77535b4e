// journal.hpp - what a batch has done, so that it need not be done again
//
// A file in the folder of the outputs, ".gpuconv-batch" (".gpuconv-batch.I-of-N" of share I of N),
// has a line for each job that was done: a hash of all that its output depends on and of the output
// itself, whether it clipped, and the job's result as a JSON object. It is written after the output
// is on the disk. A file counts as changed if its size or its time of change has. Lines that begin
// with "#" record how a batch was started.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/batch/list.hpp"
#include "host/batch/shard.hpp"

namespace gpuconv {

/// Its path, for outputs in `folder`.
std::string journal_of(const std::string& folder);
std::string journal_of(const std::string& folder, const Shard& shard);

/// Size and time of change of a file, in words; nothing unless it is a regular file.
std::optional<std::string> state_of(const std::string& path);

/// How a batch was started.
struct BatchRecord {
  std::string method;          ///< of all jobs
  std::uint64_t settings = 0;  ///< hash of the options on which outputs depend
  std::uint64_t list = 0;      ///< hash of the whole list
  Shard shard;

  bool operator==(const BatchRecord&) const = default;
};

class Journal {
 public:
  /// Where a line stands.
  struct Place {
    std::uint32_t file = 0;
    std::uint64_t offset = 0;
  };
  struct Done {
    bool has_clipped = false;
    Place place;
  };
  struct Note {
    std::string output;  ///< path
    std::string origin;
    bool has_clipped;
    std::string result;  ///< a JSON object in one line
  };

  /// Reads all journals in `folder`: another number of shares may have begun.
  Journal(const std::string& folder, const Shard& shard);

  /// The one that is written.
  const std::string& path() const { return path_; }

  /// The method that the last batch with these settings took.
  std::optional<std::string> recorded_method(std::uint64_t settings) const;

  static std::string line_of(const BatchRecord& record);
  /// The last record of the journal at `path`.
  static std::optional<BatchRecord> last_record(const std::string& path);

  /// False if it cannot be kept.
  bool begin(const BatchRecord& record);

  /// The settings and files that the job's output is made of, as they are now; nothing where that
  /// cannot be told later: a pipe, or no such file. `settings`: all options, in words.
  static std::optional<std::string> origin(const ListedJob& job, const std::string& settings);

  /// Whether the job was done from just this and its output is still what it was.
  std::optional<Done> find(const ListedJob& job, const std::string& origin) const;

  /// Claims jobs whose outputs are on the disk. Returns where each line stands, nothing for outputs
  /// that are not files, and an empty vector if the journal cannot be kept.
  std::vector<std::optional<Place>> note(std::span<const Note> notes);

  /// The result in a line; empty if it holds none.
  std::string result(const Place& place) const;

 private:
  void read(const std::string& path);
  bool append(const std::string& text, std::uint64_t& end);

  std::string path_;
  std::vector<std::string> paths_;            // the first one is written
  mutable std::vector<std::ifstream> files_;  // of paths_, from which results were read
  std::vector<BatchRecord> records_;
  std::unordered_map<std::uint64_t, Done> done_;  // by hash
};

}  // namespace gpuconv
