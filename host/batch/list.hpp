// list.hpp - the jobs of a batch, from a text file
#pragma once

#include <optional>
#include <string>

#include "host/batch/job_list.hpp"
#include "host/write/output_format.hpp"

namespace gpuconv {

/// To what paths of inputs and responses are relative.
enum class ListPaths { list, cwd };

struct ListOptions {
  std::string folder;               ///< of the outputs
  std::string response;             ///< for jobs that do not name one; empty: all must
  OutputFormat output_format = {};  ///< must suit the extensions of the outputs
  std::optional<ListFormat> format =
      std::nullopt;  ///< otherwise the list's name and first characters tell
  std::optional<ListPaths> paths =
      std::nullopt;              ///< otherwise NeMo's are relative to the list, others not
  bool allows_commands = false;  ///< an input may be a command
  bool checks_outputs = true;    ///< false: outputs get other names, and the caller checks those
};

/// Reads the list `path` ("-": standard input), which gzip may have compressed:
///
///   csv     values (RFC 4180) between commas, semicolons or tabs; the first line names the columns
///   jsonl   an object in each line; of a list named .json anywhere, also in an array
///   nemo    such objects as NeMo writes them: audio_filepath, offset, duration
///   lhotse  such objects as Lhotse writes them: recordings or cuts
///   kaldi   in each line an ID and a path, or archive.ark:OFFSET, or a command that ends in |
///
/// and, without an option, a tar: a shard of WebDataset, whose recordings are jobs. Their IDs are
/// their names up to the first dot; JSON of the same ID becomes `extra`. Its lines are its members.
///
/// Names ending in .jsonl, .json and .scp tell the kind, before .gz too; so does a text that begins
/// with { or [. All else is csv.
///
/// Columns, or keys, are those of ListedJob; all but input may be missing or empty. An output is
/// relative to `folder`. Where there is none it is the ID with ".wav", otherwise the input's name
/// with "-chN" for a channel, "-S" for an offset of S seconds, and ".wav".
///
/// Throws FileError, which names the line, before any work: for what cannot be understood, for an
/// output of a kind that gpuconv does not write, for two jobs with one output, for an output that a
/// job reads or that is the list itself or the journal (journal.hpp), also through links, and for
/// one outside of `folder`.
JobList read_list(const std::string& path, const ListOptions& options);

}  // namespace gpuconv
