// runner.hpp - a batch from its list to its results; it prints nothing
//
//   Batch(request)   reads the list and the journal, chooses the method, checks what all jobs need
//   plan()           reads the head of each file: how much there is to do, and what cannot be done
//   run(events)      does the jobs, on several threads (pipeline.hpp)
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "host/batch/batch_jobs.hpp"
#include "host/batch/journal.hpp"
#include "host/batch/manifest.hpp"
#include "host/batch/results.hpp"
#include "host/batch/shard.hpp"
#include "host/render/convolver_cache.hpp"
#include "host/render/job.hpp"
#include "host/room/response_cache.hpp"

namespace gpuconv {

struct BatchRequest {
  Job job;  ///< for all jobs; without its files
  std::string list;
  ListOptions lines;  ///< how to read it; without the format of outputs, which `job` has
  PairingOptions pairing;
  Manifest manifest;
  /// All options on which outputs depend, in words, but the method.
  std::string settings;
  bool resumes = false;
  bool checks_files = true;    ///< plan() reads the heads of files
  int jobs = 0;                ///< at a time; 0: as many as there are cores
  std::optional<Shard> shard;  ///< absent: what the environment says
};

/// What there is to do, by the heads of the files.
struct BatchPlan {
  std::size_t jobs = 0;          ///< that are to be done and can be
  double sound_seconds = 0;      ///< of their recordings
  double output_bytes = 0;       ///< without compressed formats
  double room_bytes = 0;         ///< more than the outputs that they replace take now
  double memory_bytes = 0;       ///< a prediction
  double estimated_seconds = 0;  ///< a prediction
};

/// All are called on the thread that calls run(). What they throw ends the batch.
struct BatchEvents {
  std::function<void(const ListedJob& listed, const Job& job, const JobReport& report)> done;
  /// An earlier batch has done it.
  std::function<void(const ListedJob& listed, bool has_clipped)> complete;
  /// `has_lost_gpu`: the batch ends here.
  std::function<void(const ListedJob& listed, std::exception_ptr failure, bool has_lost_gpu)>
      failed;
  std::function<void()> no_journal;  ///< called once, if none can be kept
  std::function<void()> tick;        ///< called ten times a second or more often
};

class Batch {
 public:
  /// Throws Error for what is wrong with all jobs. Makes no folder.
  explicit Batch(BatchRequest request);

  const JobList& list() const { return jobs_.list; }
  const Shard& shard() const { return shard_.shard; }
  /// How the share was found: "Slurm task 1 of 4"; empty if the request named it, or all is one.
  const std::string& shard_origin() const { return shard_.origin; }
  /// Jobs of this share.
  std::size_t size() const { return own_; }
  const Choice& choice() const { return choice_; }
  /// Why gpuconv ignored a calibration; or empty.
  const std::string& calibration_warning() const { return calibration_warning_; }
  /// Threads that read, convolve and write at a time.
  int cores() const;

  /// Checks the responses that many lines use. Throws Error for what all lines would meet; returns
  /// a response and its warning for each that has one.
  std::vector<std::pair<std::string, std::string>> check_responses();

  /// Reads heads, on several threads. What cannot be done fails in run(), without another attempt.
  /// Throws FileError if the disk has too little room for all outputs.
  BatchPlan plan();

  /// The jobs that plan() has found to fail, by their positions in the list.
  const std::map<std::size_t, std::exception_ptr>& known_failures() const {
    return known_failures_;
  }

  /// What may be wrong where plan() has found that no recording can be opened: where relative paths
  /// begin; or empty.
  const std::string& hint() const { return hint_; }

  /// Does the jobs, and writes the results unless the batch ends early. Makes the folder.
  void run(const BatchEvents& events);

  const std::string& results_path() const { return results_path_; }
  const std::string& journal_path() const { return journal_.path(); }

  /// Positions in the list of the jobs that are not complete.
  const std::vector<std::size_t>& todo() const { return todo_; }

  /// Whether a job of the list reads or writes `path`.
  bool names(const std::string& path);

 private:
  struct Size {
    std::int64_t taps = 0;
    int rate = 0;
  };

  void find_complete();
  void choose_method(const Devices& devices);
  std::vector<JobSize> sample_sizes();
  Size size_of(const std::string& response, const ResponseOptions& options);
  Job job_of(const ListedJob& listed) const;
  std::optional<std::string> origin_of(const ListedJob& listed) const;
  std::string with_stretches(std::string origin, const ListedJob& listed) const;
  std::vector<std::string> devices() const;
  std::vector<std::string> worker_devices() const;
  bool gathers_clips() const;
  void sort_by_group();
  std::string result_of(std::size_t position) const;
  std::string hint_of_paths() const;

  BatchRequest request_;
  FoundShard shard_;
  std::vector<std::string> device_texts_;  // one for each device that was asked for
  BatchJobs jobs_;
  std::size_t own_ = 0;  // jobs of this share
  Journal journal_;
  std::string results_path_;
  std::shared_ptr<ResponseCache> responses_ = std::make_shared<ResponseCache>();
  std::shared_ptr<ConvolverCache> convolvers_ = std::make_shared<ConvolverCache>();
  std::shared_ptr<const CostModel> speeds_;
  std::string calibration_warning_;
  std::optional<Devices> devices_;
  Choice choice_{};
  std::string settings_;  // with the method
  BatchRecord record_;
  /// Of each job of the list: whether it is done, and where the journal has its result.
  struct Fate {
    bool is_done = false;
    bool has_clipped = false;
    std::optional<Journal::Place> place;
  };
  std::vector<Fate> fates_;
  std::vector<std::size_t> todo_;  // positions in the list
  std::map<std::size_t, std::exception_ptr> known_failures_;
  std::string hint_;
  std::vector<int> buckets_;  // of the clips, by position in the list; empty: not known
  std::map<std::string, Size> response_sizes_;
  std::unordered_set<std::uint64_t> names_;  // hashes of inputs and outputs, once they are needed
  std::map<std::size_t, std::string> results_;  // those that no journal has
  FileHashes hashes_;
};

/// Whether a look at its head would take something away from INPUT, or run a command.
bool is_read_once(const Job& job);

/// In words, as a message of a failed job.
std::string words_of(const std::exception_ptr& failure);

}  // namespace gpuconv
