// plan.cpp - Batch::plan(): the heads of all files, before the work
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <span>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/parallel.hpp"
#include "host/batch/pipeline.hpp"
#include "host/batch/runner.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/read/audio_format.hpp"
#include "host/read/source.hpp"
#include "host/write/output_format.hpp"

namespace gpuconv {
namespace {

/// The folder that exists, of those above `folder`.
std::string existing_folder(const std::string& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder);
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path.string();
}

/// Bytes that are free for the outputs; nothing if the disk does not count.
std::optional<double> room_in(const std::string& folder) {
  struct statvfs disk {};
  if (::statvfs(existing_folder(folder).c_str(), &disk) != 0 || disk.f_blocks == 0) {
    return std::nullopt;
  }
  return static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
}

/// Of a job that runs, without what it shares: buffers of samples, spectra and frames. A
/// prediction.
double memory_of_job(std::int64_t N, std::int64_t K) {
  constexpr double kReadAndWritten = 4e6;
  const VectorisedPlan plan = VectorisedConvolver::plan(N, K);
  const double windows = plan.partitions > 1 ? plan.partitions + 1.0 : 1.0;
  return kReadAndWritten + (windows + 8.0) * 2 * plan.half * sizeof(float);
}

}  // namespace

bool is_read_once(const Job& job) {
  return job.source_options.is_command || is_special_file(job.input);
}

Batch::Size Batch::size_of(const std::string& response, const ResponseOptions& options) {
  const auto known = response_sizes_.find(response);
  if (known != response_sizes_.end()) return known->second;
  const auto [taps, rate] = responses_->size(response, options);
  return response_sizes_[response] = {taps, rate};
}

BatchPlan Batch::plan() {
  BatchPlan plan;
  // Jobs with one recording stand together, so that its head is read once.
  std::vector<std::size_t> order = todo_;
  std::ranges::sort(order, {},
                    [&](std::size_t i) { return std::pair(jobs_.list.recording(i), i); });
  std::vector<std::size_t> groups;  // where each recording begins
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || jobs_.list.recording(order[i]) != jobs_.list.recording(order[i - 1]))
      groups.push_back(i);
  }
  std::mutex mutex;    // of what follows, and of the sizes of responses
  double largest = 0;  // memory of a job
  double largest_output = 0, replaced_bytes = 0;
  const auto add = [&](std::size_t position, const AudioFormat& format) {
    const Job job = job_of(jobs_.list[position]);
    if (is_special_file(job.response)) {
      const std::lock_guard lock(mutex);
      ++plan.jobs;
      return;
    }
    Size response;
    {
      const std::lock_guard lock(mutex);
      response = size_of(job.response, job.response_options);
    }
    const std::int64_t N = std::max<std::int64_t>(1, format.frames);
    const auto K = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(static_cast<double>(response.taps) * format.rate /
                                     std::max(1, response.rate)));
    const std::int64_t frames = job.length == WetLength::same ? N : N + K - 1;
    double bytes = 0;
    if (!is_special_file(job.output)) {
      const FileFormat file = resolve_format(job.output, job.format);
      const bool compresses = file.container == Container::flac || file.container == Container::ogg;
      bytes = compresses ? 0 : static_cast<double>(frames) * file.frame_bytes();
      if (job.early_ms) bytes *= 2;
    }
    const auto existing = status_of(job.output);
    const double replaced =
        existing && S_ISREG(existing->st_mode) ? static_cast<double>(existing->st_size) : 0;
    const double seconds =
        choice_.method == nullptr ? 0 : speeds_->seconds(*choice_.method, N, K, choice_.device);
    const double memory = memory_of_job(N, K);
    const std::lock_guard lock(mutex);
    ++plan.jobs;
    plan.sound_seconds += static_cast<double>(N) / format.rate;
    plan.output_bytes += bytes;
    plan.room_bytes += bytes - replaced;
    plan.estimated_seconds += seconds;
    largest = std::max(largest, memory);
    largest_output = std::max(largest_output, bytes);
    replaced_bytes += replaced;
  };
  const auto guarded = [&](std::size_t position, const auto& action) {
    try {
      action();
    } catch (const Error&) {
      const std::lock_guard lock(mutex);
      known_failures_[position] = std::current_exception();
    }
  };
  constexpr int kReaders = 8;  // where files come over a network, waiting is most of it
  std::atomic<std::size_t> next = 0;
  run_workers(std::max(kReaders, core_count()), [&](int, int) {
    for (std::size_t group = next++; group < groups.size(); group = next++) {
      stop_if_interrupted();
      const std::size_t end = group + 1 < groups.size() ? groups[group + 1] : order.size();
      const std::span<const std::size_t> jobs =
          std::span(order).subspan(groups[group], end - groups[group]);
      const Job first = job_of(jobs_.list[jobs.front()]);
      if (is_read_once(first)) {
        const std::lock_guard lock(mutex);
        plan.jobs += jobs.size();
        continue;
      }
      std::optional<AudioFormat> format;
      for (const std::size_t position : jobs) {
        guarded(position, [&] {
          // One that cannot be opened is tried for each of its jobs: it may have been a moment.
          if (!format) format = SourceReader(first.input, first.source_options).format();
          add(position, *format);
        });
      }
    }
  });
  plan.memory_bytes = 64e6 + static_cast<double>(ConvolverCache::kBytes) +
                      static_cast<double>(ResponseCache::kBytes) +
                      static_cast<double>(worker_devices().size()) * largest;
  // What is replaced stays until its group is complete.
  const auto in_groups = static_cast<double>(PipelineOptions().group + worker_devices().size());
  const double needed = plan.room_bytes + std::min(replaced_bytes, in_groups * largest_output);
  const auto room = room_in(request_.lines.folder);
  if (room && needed > *room) {
    throw FileError(
        request_.lines.folder,
        fmt::format("the outputs need {:.0f} bytes where {:.0f} are free", needed, *room));
  }
  return plan;
}

}  // namespace gpuconv
