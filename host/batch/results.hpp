// results.hpp - what became of each job: a file of JSON lines in the folder of the outputs
//
// results.jsonl (results.I-of-N.jsonl of share I of N) has a line for each job, in the order of the
// list. It is written when the batch has come to its end, and is on the disk before the batch says
// so.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "host/batch/batch_jobs.hpp"
#include "host/batch/shard.hpp"
#include "host/files/output_file.hpp"
#include "host/render/job.hpp"

namespace gpuconv {

/// In one line. File names need not be UTF-8; JSON must be.
std::string line_of_json(const nlohmann::ordered_json& json);

/// Its path, for outputs in `folder`.
std::string results_of(const std::string& folder, const Shard& shard);

/// XXH64 of files, as xxhsum -H64 prints it; each file is read once. May be used by several
/// threads.
class FileHashes {
 public:
  /// 16 digits; empty for what is not a regular file or cannot be read.
  std::string operator()(const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_future<std::string>> known_;  // by path, size and time
};

/// The result of a job as a JSON object in one line.
std::string done_result(const ListedJob& listed, const Job& job, const JobReport& report,
                        const std::string& response_hash);
std::string failed_result(const ListedJob& listed, const std::string& error);
/// Of a job that an earlier version has done, which kept no results.
std::string complete_result(const ListedJob& listed);

/// Makes sure that results can be written to `path`. Throws FileError if a file is there that holds
/// something else.
void check_results(const std::string& path);

/// Writes one line for each of `count` results.
void write_results(const std::string& path, std::size_t count,
                   const std::function<std::string(std::size_t)>& result);

/// A result of an earlier batch, with what the list says of the job now.
std::string as_listed(const ListedJob& listed, const std::string& result);

/// The hash of all that a list says, and of what was drawn.
std::uint64_t hash_of_jobs(const BatchJobs& jobs);

}  // namespace gpuconv
