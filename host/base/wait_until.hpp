// wait_until.hpp - condition_variable::wait() that older systems have, too
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace gpuconv {

/// Waits for `changed` until `condition()`. std::condition_variable::wait() is in the library, and
/// with GCC 12 newer than systems that wheels are for; wait_for() is in the header.
template <typename Condition>
void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                Condition condition) {
  while (!condition()) changed.wait_for(lock, std::chrono::hours(1));
}

}  // namespace gpuconv
