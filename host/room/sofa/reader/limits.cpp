#include "host/room/sofa/reader/limits.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>

namespace gpuconv::sofa {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

void set_soft_limit(decltype(RLIMIT_CPU) which, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return;
  limit.rlim_cur = std::min(value, limit.rlim_max);
  ::setrlimit(which, &limit);
}

}  // namespace

void limit_memory(std::int64_t bytes) {
  if (!kIsSanitized) set_soft_limit(RLIMIT_DATA, static_cast<rlim_t>(bytes));
}

void limit_cpu(double seconds) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const double so_far = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                        1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  const double more = kIsSanitized ? 10 * seconds : seconds;
  set_soft_limit(RLIMIT_CPU, static_cast<rlim_t>(std::ceil(so_far + more)));
}

}  // namespace gpuconv::sofa
