#include "host/batch/pipeline.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/parallel.hpp"
#include "host/base/wait_until.hpp"
#include "host/base/worker.hpp"
#include "host/render/prepared.hpp"

namespace gpuconv {
namespace {

constexpr std::chrono::milliseconds kTick{50};

/// A complete file holds two descriptors until it is in its place, and as many files again may
/// wait for their group.
std::size_t group_limit(const PipelineOptions& options) {
  const std::size_t workers = options.devices.size();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return options.group;
  const std::size_t taken = 64 + 8 * workers;
  const std::size_t left = files.rlim_cur > taken ? files.rlim_cur - taken : 0;
  return std::clamp<std::size_t>(left / (4 * options.files_of_a_job), 1, options.group);
}

class Pipeline {
 public:
  Pipeline(std::size_t count, const PipelineOptions& options, const PipelineStages& stages)
      : count_(count),
        options_(options),
        stages_(stages),
        most_(group_limit(options)),
        workers_(std::min(options.devices.size(), count)) {
    complete_.reserve(most_ + workers_);  // nothing may fail on the way there
    group_.reserve(most_);
  }

  void run() {
    std::vector<std::unique_ptr<Worker>> threads;
    const StopAtEnd stop_at_end{*this};  // before the threads are waited for
    for (std::size_t i = 0; i < workers_; ++i) {
      try {
        ++running_;
        threads.push_back(
            std::make_unique<Worker>(stop_, [this, i] { work(options_.devices[i]); }));
      } catch (const std::system_error&) {
        --running_;
        if (threads.empty()) throw;
        break;  // those that started do all the work
      }
    }
    for (bool is_more = true; is_more;) {
      is_more = collect();
      stages_.tick();
      if (received_signal() != 0) stop();
      const auto age = std::chrono::steady_clock::now() - oldest_;
      const bool is_due = group_.size() >= most_ || age >= options_.group_time || !is_more;
      if (!group_.empty() && is_due) finish_group();
    }
  }

 private:
  struct StopAtEnd {
    Pipeline& pipeline;
    ~StopAtEnd() { pipeline.stop(); }
  };

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    has_room_.notify_all();
  }

  /// On a worker thread. Throws nothing.
  void work(const std::string& device) noexcept {
    std::optional<ClipGatherer::Working> working;
    if (options_.gatherer != nullptr) working.emplace(*options_.gatherer);
    while (!stop_) {
      const std::size_t index = take_job(device);
      if (index >= count_) break;
      const auto others = static_cast<std::size_t>(busy_++);
      Attempt attempt;
      attempt.index = index;
      // Cores that have no job of their own help.
      const std::size_t at_once = std::max(others + 1, std::min(workers_, count_ - index));
      const ThreadLimit limit(std::max(1, core_count() / static_cast<int>(at_once)));
      const bool is_over = try_job(attempt, device);
      --busy_;
      if (!is_over) break;
      hand_over(std::move(attempt));
    }
    working.reset();
    {
      const std::lock_guard lock(mutex_);
      --running_;
    }
    has_complete_.notify_one();
  }

  /// The next one of its device's row, or the first of a new row.
  std::size_t take_job(const std::string& device) {
    const std::lock_guard lock(mutex_);
    Row& row = rows_[device];
    if (row.next == row.end) {
      row = {next_, std::min(count_, next_ + options_.jobs_in_a_row)};
      next_ = row.end;
    }
    return row.next < row.end ? row.next++ : count_;
  }

  /// False if the job was interrupted.
  bool try_job(Attempt& attempt, const std::string& device) {
    try {
      stages_.prepare(attempt);
      attempt.job.request.device = device;
      attempt.report = gpuconv::run(resolve(attempt.job), &attempt.files);
      for (OutputFile& file : attempt.files) file.begin_sync();
    } catch (const GpuError&) {
      attempt.failure = std::current_exception();
      attempt.has_lost_gpu = !still_answers();
      if (attempt.has_lost_gpu) stop();
    } catch (...) {
      if (must_stop()) return false;
      attempt.failure = std::current_exception();
    }
    if (attempt.failure) attempt.files.clear();
    return true;
  }

  void hand_over(Attempt attempt) {
    std::unique_lock lock(mutex_);
    wait_until(has_room_, lock, [&] { return stop_ || complete_.size() < most_; });
    complete_.push_back(std::move(attempt));
    lock.unlock();
    has_complete_.notify_one();
  }

  /// Takes what the workers have completed into the group. False once nothing more will come.
  bool collect() {
    std::unique_lock lock(mutex_);
    has_complete_.wait_for(lock, kTick, [&] { return running_ == 0 || !complete_.empty(); });
    const std::size_t room = most_ - group_.size();
    const std::size_t taken = std::min(room, complete_.size());
    if (group_.empty()) oldest_ = std::chrono::steady_clock::now();
    std::move(complete_.begin(), complete_.begin() + static_cast<std::ptrdiff_t>(taken),
              std::back_inserter(group_));
    complete_.erase(complete_.begin(), complete_.begin() + static_cast<std::ptrdiff_t>(taken));
    const bool is_more = running_ > 0 || !complete_.empty();
    lock.unlock();
    has_room_.notify_all();
    return is_more;
  }

  void finish_group() {
    sync_group();
    std::set<std::string> folders;
    for (Attempt& attempt : group_) {
      try {
        for (OutputFile& file : attempt.files) {
          if (attempt.failure) break;
          file.take_place();
          if (!file.in_place()) add_folder(file.folder(), folders);
        }
      } catch (...) {
        attempt.failure = std::current_exception();
      }
      attempt.files.clear();
    }
    for (const std::string& folder : folders) sync_folder(folder);
    std::ranges::sort(group_, {}, &Attempt::index);
    stages_.finish(group_);
    group_.clear();
  }

  /// And those above it, once: they may be new.
  void add_folder(const std::filesystem::path& folder, std::set<std::string>& folders) {
    folders.insert(folder);
    if (!known_folders_.insert(folder).second) return;
    const std::filesystem::path above = folder.parent_path();
    if (!above.empty() && above != folder) add_folder(above, folders);
  }

  /// On several threads: a file system brings what is asked for at the same time to the disk in one
  /// go, and one after the other took five times as long (ext4, 64 files).
  void sync_group() {
    constexpr std::size_t kThreads = 8;
    std::atomic<std::size_t> next = 0;
    run_workers(static_cast<int>(std::min(kThreads, group_.size())), [&](int, int) {
      for (std::size_t i = next++; i < group_.size(); i = next++) {
        Attempt& attempt = group_[i];
        try {
          for (OutputFile& file : attempt.files) file.sync();
        } catch (...) {
          attempt.failure = std::current_exception();
        }
      }
    });
  }

  const std::size_t count_;
  const PipelineOptions& options_;
  const PipelineStages& stages_;
  const std::size_t most_;  // files of a group
  const std::size_t workers_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> busy_ = 0;  // workers that have a job

  std::mutex mutex_;  // of what follows
  std::condition_variable has_room_, has_complete_;
  std::vector<Attempt> complete_;
  std::size_t running_ = 0;  // workers
  std::size_t next_ = 0;     // job that is in no row
  struct Row {
    std::size_t next = 0, end = 0;
  };
  std::map<std::string, Row> rows_;  // of each device

  // The calling thread's.
  std::vector<Attempt> group_;
  std::set<std::string> known_folders_;
  std::chrono::steady_clock::time_point oldest_;
};

}  // namespace

void run_pipeline(std::size_t count, const PipelineOptions& options, const PipelineStages& stages) {
  if (count > 0) Pipeline(count, options, stages).run();
}

}  // namespace gpuconv
