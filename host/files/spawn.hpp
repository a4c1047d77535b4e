// spawn.hpp - starts another program
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace gpuconv {

class Spawn {
 public:
  Spawn();
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn();

  /// The program gets a copy of `descriptor` as its `number`.
  void give(int descriptor, int number);

  /// Its `number` is /dev/null, opened with `flags`.
  void give_nothing(int number, int flags);

  /// It leads a process group of its own, whose number is its own.
  void lead_group() { leads_group_ = true; }

  /// Starts `program` with these arguments (the first one is its name), all signals as by default,
  /// and without the descriptors from `first_closed` on. Returns 0 or an errno.
  int start(const std::string& program, std::vector<std::string> arguments, int first_closed,
            pid_t& process);

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  bool leads_group_ = false;
};

}  // namespace gpuconv
