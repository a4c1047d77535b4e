// list.hpp - the jobs of a batch, one in each line of a text file
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gpuconv {

struct ListedJob {
  int line = 0;  ///< counted from 1
  std::string input;
  std::string response;
  std::string name;    ///< of the output, within the folder of the batch
  std::string output;  ///< its path: folder and name
  std::optional<double> azimuth;
  std::optional<double> elevation;
};

/// Reads the list `path` ("-": standard input), whose kind its extension tells:
///
///   .jsonl  in each line an object
///   .scp    in each line an ID and the path of a recording, as Kaldi has them
///   else    comma-separated values (RFC 4180); the first line names the columns
///
/// Columns, or keys, are input, response, output, azimuth and elevation; all but input may be
/// missing or empty. Rows without a response use `response`. An output is relative to
/// `folder`, and where there is none the input's name (or the ID) with ".wav". All other paths are
/// relative to the current folder. Empty lines, carriage returns and a byte order mark are skipped.
///
/// Throws FileError, which names the line, before any work: for what cannot be understood, for two
/// jobs with one output, for an output that a job reads or that is the list itself or the journal
/// (journal.hpp), also through links, and for one outside of `folder`.
std::vector<ListedJob> read_list(const std::string& path, const std::string& folder,
                                 const std::string& response);

}  // namespace gpuconv
