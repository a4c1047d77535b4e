#include "host/batch/merge.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "host/base/error.hpp"
#include "host/batch/journal.hpp"
#include "host/batch/list.hpp"
#include "host/batch/results.hpp"
#include "host/files/folder.hpp"
#include "host/files/location.hpp"
#include "host/files/output_file.hpp"
#include "host/render/job.hpp"

namespace gpuconv {
namespace {

/// N of the shares whose results or journals lie in `folder`.
int count_shares(const std::string& folder) {
  std::set<int> counts;
  for (const std::string& name : names_in(folder, {"results.", ".gpuconv-batch."})) {
    int index = 0;
    int count = 0;
    if (std::sscanf(name.c_str(), "results.%d-of-%d.jsonl", &index, &count) == 2 ||
        std::sscanf(name.c_str(), ".gpuconv-batch.%d-of-%d", &index, &count) == 2) {
      counts.insert(count);
    }
  }
  if (counts.empty()) throw FileError(folder, "holds no shares of a batch");
  if (counts.size() > 1) {
    throw FileError(folder, fmt::format("holds shares of {} and of {}; remove the results and "
                                        "journals (.gpuconv-batch.*) of those that do not count",
                                        *counts.begin(), *counts.rbegin()));
  }
  const int count = *counts.begin();
  if (count < 1 || count > kMaxShards) throw FileError(folder, "holds shares of no known number");
  return count;
}

/// How share `shard` was done; it must have been as the first one was.
BatchRecord checked_record(const std::string& folder, const Shard& shard,
                           const std::optional<BatchRecord>& first, std::uint64_t list) {
  const std::string journal = journal_of(folder, shard);
  const auto record = Journal::last_record(journal);
  if (!record || record->shard != shard) {
    throw FileError(journal, fmt::format("does not say how share {} of {} was done; do it again",
                                         shard.index, shard.count));
  }
  if (first && record->method != first->method) {
    throw FileError(folder,
                    fmt::format("share {} was done with {}, share {} with {}; do one of "
                                "them again with --method",
                                first->shard.index, first->method, shard.index, record->method));
  }
  if (first && record->settings != first->settings) {
    throw FileError(folder, fmt::format("shares {} and {} were done with different options",
                                        first->shard.index, shard.index));
  }
  if (record->list != list) {
    throw FileError(folder,
                    fmt::format("share {} was done with another list; do it again", shard.index));
  }
  return *record;
}

void copy_into(OutputFile& file, const std::string& path) {
  std::ifstream from(path, std::ios::binary);
  std::string line;
  while (std::getline(from, line)) {
    if (line.starts_with('#')) continue;
    line += '\n';
    file.write(std::as_bytes(std::span(line)));
  }
}

}  // namespace

Merged merge_shares(const std::string& list, const ListOptions& lines,
                    const PairingOptions& pairing, const std::vector<StretchOutput>& stretches,
                    const Manifest& manifest) {
  using Json = nlohmann::json;
  const std::string& folder = lines.folder;
  const BatchJobs read = read_jobs(list, lines, pairing, stretches);
  const JobList& jobs = read.list;
  const int count = count_shares(folder);
  const std::uint64_t hash = hash_of_jobs(read);
  std::vector<std::ifstream> shares;
  std::optional<BatchRecord> first;
  for (int i = 0; i < count; ++i) {
    const Shard shard{i, count};
    const std::string path = results_of(folder, shard);
    shares.emplace_back(path, std::ios::binary);
    if (!shares.back()) {
      throw FileError(path, fmt::format("is missing: share {} of {} has not come to its end; do it "
                                        "again with --resume",
                                        i, count));
    }
    const BatchRecord record = checked_record(folder, shard, first, hash);
    if (!first) first = record;
  }
  const std::string whole = results_of(folder, Shard{});
  if (list != "-" && Locations()(whole) == Locations()(list)) {
    throw FileError(whole, "is the list, and the results would replace it");
  }
  if (status_of(whole)) check_results(whole);
  if (!manifest.path.empty()) check_manifest(manifest.path, list, jobs);
  Merged merged{count, jobs.size(), 0, 0, first->method};
  write_results(whole, jobs.size(), [&](std::size_t i) {
    std::string line;
    std::getline(shares[i % static_cast<std::size_t>(count)], line);
    const std::string path =
        results_of(folder, Shard{static_cast<int>(i % static_cast<std::size_t>(count)), count});
    const Json json = Json::parse(line, nullptr, false);
    const ListedJob job = jobs[i];
    const auto text = [&](const char* key) {
      const auto found = json.is_object() ? json.find(key) : json.end();
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    // The folder may have another name by now. What is not UTF-8 was replaced in the results.
    const std::string name =
        "/" + Json::parse(Json(job.name).dump(-1, ' ', false, Json::error_handler_t::replace))
                  .get<std::string>();
    if (!text("output").ends_with(name)) {
      throw FileError(path, fmt::format("lacks the result of line {}, {}; do this share again with "
                                        "--resume",
                                        job.line, job.output));
    }
    const bool is_done = text("status") == "done";
    const std::string output(job.output);
    std::vector<std::string> files = stretch_outputs(output, stretches);
    files.push_back(output);
    for (const std::string& file : files) {
      if (!is_done || status_of(file)) continue;
      throw FileError(path, fmt::format("calls {} done, which is gone; do this share again with "
                                        "--resume",
                                        file));
    }
    merged.failed += is_done ? 0 : 1;
    const auto clipped = json.find("clipped");
    merged.clipped += clipped != json.end() && clipped->is_number() && *clipped > 0 ? 1 : 0;
    return as_listed(job, line);
  });
  if (!manifest.path.empty()) {
    std::ifstream results(whole, std::ios::binary);
    std::size_t next = 0;
    write_manifest(manifest, jobs.format, jobs.size(), [&](std::size_t i) {
      if (i < next) results.clear(), results.seekg(0), next = 0;  // once more from the beginning
      std::string line;
      std::getline(results, line);
      ++next;
      return line;
    });
  }
  const std::string journal = journal_of(folder);
  OutputFile file(journal, OutputOptions{});
  copy_into(file, journal);
  for (int i = 0; i < count; ++i) copy_into(file, journal_of(folder, Shard{i, count}));
  BatchRecord record = *first;
  record.shard = Shard{};
  const std::string line = Journal::line_of(record);
  file.write(std::as_bytes(std::span(line)));
  file.sync();
  file.publish();
  for (int i = 0; i < count; ++i) {
    ::unlink(results_of(folder, Shard{i, count}).c_str());
    ::unlink(journal_of(folder, Shard{i, count}).c_str());
  }
  return merged;
}

}  // namespace gpuconv
