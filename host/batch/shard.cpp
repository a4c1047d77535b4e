#include "host/batch/shard.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

std::optional<int> number_in(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// The number in a variable of the environment; nothing if it is not set. Throws UsageError.
std::optional<int> variable(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto value = number_in(text);
  if (!value) throw UsageError(fmt::format("{}={}: is not a number of a share", name, text));
  return value;
}

void check(const Shard& shard, const std::string& where) {
  if (shard.count < 1 || shard.count > kMaxShards || shard.index < 0 ||
      shard.index >= shard.count) {
    throw UsageError(fmt::format("{}: expected I/N with 0 <= I < N <= {}; shares count from 0",
                                 where, kMaxShards));
  }
}

/// Within a step that srun started. A batch script has SLURM_PROCID and SLURM_NTASKS, too, but runs
/// once.
std::optional<Shard> task() {
  if (std::getenv("SLURM_STEP_ID") == nullptr) return std::nullopt;  // its number may be any
  const auto index = variable("SLURM_PROCID");
  const auto count = variable("SLURM_STEP_NUM_TASKS");
  if (!index || !count || *count < 2) return std::nullopt;
  return Shard{*index, *count};
}

std::optional<Shard> element() {
  const auto id = variable("SLURM_ARRAY_TASK_ID");
  if (!id) return std::nullopt;
  const int least = variable("SLURM_ARRAY_TASK_MIN").value_or(*id);
  const int most = variable("SLURM_ARRAY_TASK_MAX").value_or(*id);
  const int step = std::max(1, variable("SLURM_ARRAY_TASK_STEP").value_or(1));
  const Shard shard{(*id - least) / step, (most - least) / step + 1};
  const int count = variable("SLURM_ARRAY_TASK_COUNT").value_or(shard.count);
  if (*id < least || *id > most || (*id - least) % step != 0 || count != shard.count) {
    throw UsageError(
        fmt::format("the array {}..{} of Slurm has {} elements and steps of {}, so that shares "
                    "would be left out; name the share: --shard I/N (0/1 is the whole list)",
                    least, most, count, step));
  }
  return shard;
}

std::optional<Shard> pod() {
  const auto index = variable("JOB_COMPLETION_INDEX");
  if (!index) return std::nullopt;
  const auto count = variable("GPUCONV_SHARDS");
  if (!count) {
    throw UsageError(
        "JOB_COMPLETION_INDEX is set, but not how many pods there are; set GPUCONV_SHARDS to the "
        "job's completions, or give --shard I/N (0/1 is the whole list)");
  }
  return Shard{*index, *count};
}

}  // namespace

Shard shard_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto index = number_in(std::string_view(text).substr(0, slash));
  const auto count =
      slash == text.npos ? std::nullopt : number_in(std::string_view(text).substr(slash + 1));
  const Shard shard{index.value_or(-1), count.value_or(-1)};
  check(shard, "--shard " + text);
  return shard;
}

FoundShard shard_of_environment() {
  FoundShard found;
  const auto share = [&](const std::optional<Shard>& one, const char* who) {
    if (!one) return;
    check(*one, fmt::format("{} {} of {}", who, one->index, one->count));
    if (one->is_all()) return;
    // The elements of an array may be steps of several tasks.
    if (std::int64_t{found.shard.count} * one->count > kMaxShards) {
      throw UsageError(fmt::format("{} times {} are too many shares (limit {})", found.shard.count,
                                   one->count, kMaxShards));
    }
    found.shard = {found.shard.index * one->count + one->index, found.shard.count * one->count};
    found.origin +=
        fmt::format("{}{} {} of {}", found.origin.empty() ? "" : ", ", who, one->index, one->count);
  };
  share(element(), "array element");
  share(task(), "Slurm task");
  if (found.origin.empty()) share(pod(), "pod");
  return found;
}

int processors_of_task() { return variable("SLURM_CPUS_PER_TASK").value_or(0); }

int local_task() { return task() ? variable("SLURM_LOCALID").value_or(0) : 0; }

}  // namespace gpuconv
