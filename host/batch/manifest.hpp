// manifest.hpp - the list of the outputs, in the form in which the list of the jobs came
//
//   csv     input (the output's path), id, and the columns that gpuconv passes on
//   jsonl   objects with these keys; also for a shard of WebDataset
//   nemo    audio_filepath, duration in seconds, and the other keys of the line
//   lhotse  recordings
//   kaldi   ID and path
//
// A line for each job that is done, in the order of the list. Paths are those of the results; of
// NeMo, relative to the folder of the manifest, as NeMo reads them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "host/batch/job_list.hpp"

namespace gpuconv {

struct Manifest {
  std::string path;  ///< empty: none is written
  int channels = 2;  ///< of the outputs
};

/// Throws FileError if `path` is the list, an output, or a file that a job reads, and UsageError if
/// its name promises compression.
void check_manifest(const std::string& path, const std::string& list, const JobList& jobs);

/// `result(i)` is the JSON of result i (results.hpp) of `count`. Throws FileError.
void write_manifest(const Manifest& manifest, ListFormat format, std::size_t count,
                    const std::function<std::string(std::size_t)>& result);

}  // namespace gpuconv
