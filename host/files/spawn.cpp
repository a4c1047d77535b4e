#include "host/files/spawn.hpp"

#include <csignal>

extern char** environ;

namespace gpuconv {

Spawn::Spawn() {
  ::posix_spawn_file_actions_init(&actions_);
  ::posix_spawnattr_init(&attributes_);
}

Spawn::~Spawn() {
  ::posix_spawn_file_actions_destroy(&actions_);
  ::posix_spawnattr_destroy(&attributes_);
}

void Spawn::give(int descriptor, int number) {
  ::posix_spawn_file_actions_adddup2(&actions_, descriptor, number);
}

void Spawn::give_nothing(int number, int flags) {
  ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", flags, 0);
}

int Spawn::start(const std::string& program, std::vector<std::string> arguments, int first_closed,
                 pid_t& process) {
  ::posix_spawn_file_actions_addclosefrom_np(&actions_, first_closed);
  sigset_t signals;
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes_, &signals);
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes_, &signals);
  ::posix_spawnattr_setpgroup(&attributes_, 0);
  const int flags =
      POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (leads_group_ ? POSIX_SPAWN_SETPGROUP : 0);
  ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return ::posix_spawn(&process, program.c_str(), &actions_, &attributes_, pointers.data(),
                       environ);
}

}  // namespace gpuconv
