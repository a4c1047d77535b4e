// plan.cpp - Batch::plan(): the heads of all files, before the work
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <mutex>
#include <span>
#include <unordered_set>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/hash.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/parallel.hpp"
#include "host/batch/pipeline.hpp"
#include "host/batch/runner.hpp"
#include "host/files/input_file.hpp"
#include "host/files/location.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/read/audio_format.hpp"
#include "host/read/source.hpp"
#include "host/render/cpu_renderer.hpp"
#include "host/render/scene.hpp"
#include "host/room/resample.hpp"
#include "host/room/sound_cache.hpp"
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

constexpr int kReaders = 8;  // of heads: where files come over a network, waiting is most of it

/// What jobs take of memory, by the heads of their files. A prediction.
class MemoryNeed {
 public:
  explicit MemoryNeed(const Choice& choice) : choice_(choice) {}

  /// A job with N samples and K taps. `key` tells its taps and their rate from those of others.
  void add(std::uint64_t key, std::int64_t N, std::int64_t K) {
    const auto taps = 2.0 * sizeof(float) * static_cast<double>(K);
    if (responses_.insert(key).second) response_bytes_ += 2 * taps;  // as read, and converted
    const auto samples = static_cast<double>(std::min(N, kGroupSamples));
    const double source = sizeof(float) * samples;
    if (choice_.method == nullptr || choice_.method->processor == Processor::gpu) {
      const bool is_clip = choice_.method != nullptr && clip_lengths(*choice_.method, N, K);
      // A renderer's four blocks, which it has from its plan on.
      job_bytes_ = std::max(job_bytes_, source + taps + (is_clip ? 0 : 4 * (3 * source + taps)));
    } else if (is_vectorised(*choice_.method)) {
      const VectorisedPlan plan = VectorisedConvolver::plan(N, K);
      const double spectrum = 2.0 * sizeof(float) * plan.half;
      const std::uint64_t of_plan =
          static_cast<std::uint64_t>(plan.half) * 64u + static_cast<std::uint64_t>(plan.partitions);
      if (plans_.insert(key ^ (of_plan * 0x9e3779b97f4a7c15u)).second) {
        plan_bytes_ += taps + 2 * plan.partitions * spectrum;
      }
      const double windows = plan.partitions > 1 ? plan.partitions + 1.0 : 1.0;
      job_bytes_ = std::max(job_bytes_, taps + (windows + 8.0) * spectrum);
    } else {
      job_bytes_ = std::max(job_bytes_, 3 * source + 3 * taps);
    }
  }

  /// With `workers` jobs under way on `devices` devices.
  double bytes(std::size_t workers, std::size_t devices, bool gathers_clips) const {
    constexpr double kProgram = 16e6, kReadAndWritten = 1e6;
    constexpr double kHeap = 2e6;  // that the allocator keeps for a thread
    const double groups = 3.0 * sizeof(float) * static_cast<double>(kGroupSamples) *
                          static_cast<double>(ClipGatherer::kGroups * devices);
    return kProgram + std::min(response_bytes_, static_cast<double>(ResponseCache::kBytes)) +
           std::min(plan_bytes_, static_cast<double>(ConvolverCache::kBytes)) +
           static_cast<double>(workers) * (kReadAndWritten + kHeap + job_bytes_) +
           kReaders * kHeap + (gathers_clips ? groups : 0);
  }

 private:
  const Choice& choice_;
  std::unordered_set<std::uint64_t> responses_, plans_;
  double response_bytes_ = 0, plan_bytes_ = 0, job_bytes_ = 0;
};

/// Of recordings that have to be decoded to be entered anywhere.
double noise_bytes(const std::vector<std::string>& noises) {
  constexpr double kCompression = 4;  // of 16 bits in FLAC, to floats
  double bytes = 0;
  for (const std::string& noise : noises) {
    if (noise.ends_with(".wav")) continue;
    if (const auto status = status_of(noise))
      bytes += kCompression * static_cast<double>(status->st_size);
  }
  return std::min(bytes, static_cast<double>(SoundCache::kBytes));
}

}  // namespace

/// Differs for jobs whose taps are others.
std::uint64_t key_of_taps(const ListedJob& listed, const Job& job, int rate) {
  const SofaOptions& sofa = job.response_options.sofa;
  const double numbers[] = {
      sofa.azimuth.value_or(NAN),  sofa.elevation.value_or(NAN),
      sofa.distance.value_or(NAN), static_cast<double>(sofa.measurement.value_or(-1)),
      static_cast<double>(rate),   listed.gain.value_or(NAN)};
  return hash_of(std::as_bytes(std::span(job.response)),
                 hash_of(std::as_bytes(std::span(numbers))));
}

bool is_read_once(const Job& job) {
  return job.source_options.is_command || is_special_file(job.input);
}

Batch::Size Batch::size_of(const std::string& response, const ResponseOptions& options) {
  const auto known = response_sizes_.find(response);
  if (known != response_sizes_.end()) return known->second;
  const auto [taps, rate] = responses_->size(response, options);
  return response_sizes_[response] = {taps, rate};
}

std::string Batch::hint_of_paths() const {
  if (todo_.empty() || known_failures_.size() < todo_.size()) return "";
  const ListedJob first = jobs_.list[todo_.front()];
  const std::string& folder = jobs_.list.input_folder();
  const std::string input(first.input);
  const std::string named = first.is_placed ? input.substr(folder.size()) : input;
  if (first.is_command || named.starts_with('/') || folder.empty() || status_of(input)) return "";
  const std::string other = first.is_placed ? named : folder + named;
  const char* const option = first.is_placed ? "cwd" : "list";
  return status_of(other)
             ? fmt::format("no recording can be opened; {} is there: use --paths {}", other, option)
             : fmt::format(
                   "no recording can be opened; their paths begin at the {}, with --paths "
                   "{} at the {}",
                   first.is_placed ? "folder of the list" : "current folder", option,
                   first.is_placed ? "current folder" : "folder of the list");
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
  std::mutex mutex;  // of what follows, and of the sizes of responses
  MemoryNeed memory(choice_);
  if (gathers_clips()) buckets_.assign(jobs_.list.size(), 0);
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
    const std::int64_t frames =
        frames_at_rate(job.length == WetLength::same ? N : N + K - 1, std::max(1, format.rate),
                       job.output_rate.value_or(std::max(1, format.rate)));
    double bytes = 0;
    if (!is_special_file(job.output)) {
      const FileFormat file = resolve_format(job.output, job.format);
      const bool compresses = file.container == Container::flac || file.container == Container::ogg;
      bytes = compresses ? 0 : static_cast<double>(frames) * file.frame_bytes();
      bytes *= static_cast<double>(1 + job.stretches.size());
    }
    const auto existing = status_of(job.output);
    const double replaced =
        existing && S_ISREG(existing->st_mode) ? static_cast<double>(existing->st_size) : 0;
    const double seconds =
        choice_.method == nullptr ? 0 : speeds_->seconds(*choice_.method, N, K, choice_.device);
    const std::uint64_t key = key_of_taps(jobs_.list[position], job, format.rate);
    const std::lock_guard lock(mutex);
    memory.add(key, N, K);
    if (!buckets_.empty()) {
      const auto lengths = clip_lengths(*choice_.method, N, K);
      buckets_[position] = lengths ? lengths->segment_samples : 0;
    }
    ++plan.jobs;
    plan.sound_seconds += static_cast<double>(N) / format.rate;
    plan.output_bytes += bytes;
    plan.room_bytes += bytes - replaced;
    plan.estimated_seconds += seconds;
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
          if (!format)
            format =
                SourceReader(first.input, first.source_options, heard_channels(first)).format();
          add(position, *format);
        });
      }
    }
  });
  plan.memory_bytes = memory.bytes(std::min(worker_devices().size(), todo_.size()),
                                   devices().size(), gathers_clips()) +
                      noise_bytes(request_.pairing.noises);
  hint_ = hint_of_paths();
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
