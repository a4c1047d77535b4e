// shard.hpp - the part of a list that one of several processes does
//
// Share I of N has the jobs at the positions I, I + N, I + 2N, ... of the list, counted from 0.
// Lists are often sorted by length, and neighbours then go to different shares.
#pragma once

#include <cstddef>
#include <string>

namespace gpuconv {

struct Shard {
  int index = 0;  ///< counted from 0
  int count = 1;

  bool is_all() const { return count == 1; }
  bool has(std::size_t position) const {
    return position % static_cast<std::size_t>(count) == static_cast<std::size_t>(index);
  }
  bool operator==(const Shard&) const = default;
};

inline constexpr int kMaxShards = 100'000;

/// "2/8": share 2 of 8, counted from 0. Throws UsageError.
Shard shard_of(const std::string& text);

/// What the environment says, and who: a task of Slurm, an element of a job array of Slurm, both of
/// them, or a pod of an indexed job of Kubernetes. Throws UsageError if that does not tell shares
/// apart: an array with gaps, or a pod without GPUCONV_SHARDS.
struct FoundShard {
  Shard shard;
  std::string origin;  ///< "task 1 of Slurm"; empty: all is one share
};
FoundShard shard_of_environment();

/// Processors that Slurm gives each task (SLURM_CPUS_PER_TASK); 0 if it says nothing.
int processors_of_task();

/// The task's number on its machine (SLURM_LOCALID) where several tasks run; otherwise 0.
int local_task();

}  // namespace gpuconv
