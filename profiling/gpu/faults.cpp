// faults.cpp - what happens when a GPU runs out of memory, and after 10,000 jobs
//
//   gpuconv_faults [--device N] [--tiny]
//
// Prints a line of JSON for each step when it is done, with what was wrong: a job on a card with
// next to no memory left has to give the right bytes or a GpuError and leave no CUDA error, and the
// next job, with the memory back, the same bytes as the first; many jobs must not lose memory. The
// last line sums up in words. --tiny serves the emulation, which has the memory of the machine:
// there the card is not filled. Exit codes: 0 nothing was wrong, 1 something was, others as gpuconv
// has them.
#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cuda/runtime/device.hpp"
#include "cuda/runtime/resources.hpp"
#include "host/base/error.hpp"
#include "host/methods/choose.hpp"
#include "host/methods/method.hpp"
#include "host/render/renderer.hpp"
#include "profiling/gpu/fault_report.hpp"

namespace gpuconv {
namespace {

struct Sizes {
  std::size_t large_N, large_K;  ///< needs more memory than the least that is left; K at most
  std::size_t small_N, small_K;
  int jobs;
  std::size_t fill_bytes;  ///< at most so much is taken away
  bool is_filled;          ///< then next to nothing is left of the card
  int leave_factor;        ///< from 1 MiB that is left to 64 MiB
};

constexpr Sizes kFull{1'000'000, 70'000, 3000, 200, 10'000, ~std::size_t{0}, true, 2};
// As in kFull, more taps than gpu-fused can do.
constexpr Sizes kTiny{40, 17'000, 200, 30, 12, 8 * kMiB, false, 8};

/// Values that matter only in being the same every time.
Signal wave(std::size_t length, std::uint32_t state) {
  Signal signal(length);
  for (float& sample : signal) {
    state = state * 1664525u + 1013904223u;
    sample = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
  }
  return signal;
}

/// FNV-1a over the bits of all frames.
class Hash {
 public:
  void add(std::span<const float> samples) {
    for (const float sample : samples) {
      value_ = (value_ ^ std::bit_cast<std::uint32_t>(sample)) * 0x100000001b3u;
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

struct Job {
  const Method* method;
  Signal source;
  Stereo<Signal> response;
  int device;
};

/// Hash of each ear's frames.
Stereo<std::uint64_t> run(const Job& job) {
  const auto renderer = make_renderer(*job.method, job.response,
                                      static_cast<std::int64_t>(job.source.size()), job.device);
  std::size_t used = 0;
  Stereo<Hash> hash;
  renderer->run(
      [&](std::span<float> block) {
        const std::size_t count = std::min(block.size(), job.source.size() - used);
        std::memcpy(block.data(), job.source.data() + used, count * sizeof(float));
        used += count;
        return count;
      },
      [&](Stereo<std::span<const float>> wet) {
        for (const Side side : kSides) hash[side].add(wet[side]);
      });
  return {hash.left.value(), hash.right.value()};
}

bool same(const Stereo<std::uint64_t>& a, const Stereo<std::uint64_t>& b) {
  return a.left == b.left && a.right == b.right;
}

/// Takes device memory away until about `leave` bytes are free, largest segments first.
class Hog {
 public:
  Hog(std::size_t leave, std::size_t most) {
    std::size_t taken = 0;
    for (std::size_t segment = std::size_t{1} << 40; segment >= kMiB; segment /= 2) {
      while (taken + segment <= most && free_device_memory() >= leave + segment && take(segment)) {
        taken += segment;
      }
    }
  }

 private:
  bool take(std::size_t bytes) {
    try {
      segments_.emplace_back(bytes);
      return true;
    } catch (const CudaError&) {
      return false;  // free, but not in one segment
    }
  }

  std::vector<DeviceBuffer<char>> segments_;
};

void print(const Json& line) {
  std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

/// What the steps came to.
class Summary {
 public:
  /// Prints a step with what is wrong with it.
  void add(const char* kind, Json step, const Complaints& wrong) {
    ++outcomes_[step.value("outcome", "")];
    wrong_.insert(wrong_.end(), wrong.begin(), wrong.end());
    if (!wrong.empty()) step["wrong"] = wrong;
    print({{kind, step}});
  }

  int print_it(const Sizes& sizes, const Json& not_here) {
    std::string text = std::to_string(outcomes_["right bytes"]) + " jobs done and " +
                       std::to_string(outcomes_["refused"]) + " refused on a " +
                       (sizes.is_filled ? "full card" : "card that was not filled") + ", then " +
                       std::to_string(sizes.jobs) + " in turn";
    for (const Json& one : not_here) text += "; without " + one["method"].get<std::string>();
    if (!wrong_.empty()) {
      text += "; " + std::to_string(wrong_.size()) + " wrong, first: " + wrong_.front();
    }
    std::printf("%s\n", text.c_str());
    return wrong_.empty() ? 0 : 1;
  }

 private:
  std::map<std::string, int> outcomes_;
  Complaints wrong_;
};

/// One job with `leave` bytes left, one with the memory back.
Json starve(const Job& job, std::size_t leave, std::size_t most,
            const Stereo<std::uint64_t>& expected) {
  Json step{{"method", job.method->name}, {"leave_bytes", leave}};
  {
    const Hog hog(leave, most);
    step["free_bytes"] = free_device_memory();
    try {
      step["outcome"] = same(run(job), expected) ? "right bytes" : "wrong bytes";
    } catch (const GpuError& error) {
      step["outcome"] = "refused";
      step["error"] = error.what();
    } catch (const std::exception& error) {
      step["outcome"] = "other error";
      step["error"] = error.what();
    }
    step["stale_error"] = cudaGetErrorName(cudaGetLastError());
  }
  try {
    step["afterwards"] = same(run(job), expected) ? "right bytes" : "wrong bytes";
  } catch (const std::exception& error) {
    step["afterwards"] = error.what();
  }
  step["stale_error_afterwards"] = cudaGetErrorName(cudaGetLastError());
  return step;
}

/// sizes.large_K, or what is left of it within the limits of the method on this device.
std::size_t taps_within(const Method& method, const Sizes& sizes, const Device& device) {
  std::int64_t K = std::min(static_cast<std::int64_t>(sizes.large_K), method.longest_response);
  while (!why_too_much(method, static_cast<std::int64_t>(sizes.large_N), K, device).empty()) K /= 2;
  return static_cast<std::size_t>(K);
}

void starve_all(const std::vector<const Method*>& here, const Sizes& sizes, const Device& device,
                Summary& summary) {
  const auto add = [&](const Json& step) {
    summary.add("starved", step, about_starved(step, sizes.is_filled));
  };
  for (const Method* const method : here) {
    // With all memory: leave_bytes is null.
    Json step{{"method", method->name}, {"leave_bytes", nullptr}};
    try {
      const std::size_t K = taps_within(*method, sizes, device);
      step["taps"] = K;
      const Job job{method, wave(sizes.large_N, 1), {wave(K, 2), wave(K, 3)}, device.index};
      const Stereo<std::uint64_t> expected = run(job);
      step["outcome"] = "right bytes";
      add(step);
      for (std::size_t leave = kMiB; leave <= 64 * kMiB;
           leave *= static_cast<std::size_t>(sizes.leave_factor)) {
        add(starve(job, leave, sizes.fill_bytes, expected));
      }
    } catch (const std::exception& error) {
      step["outcome"] = "no example";
      step["error"] = error.what();
      step["stale_error"] = cudaGetErrorName(cudaGetLastError());
      add(step);
    }
  }
}

/// `sizes.jobs` small jobs, the methods in turn. The first of each is the example for the others
/// and has loaded its kernels before the memory is measured; what is lost once, to a cache or
/// another process, differs from a leak in the memory halfway.
void repeat(const std::vector<const Method*>& here, const Sizes& sizes, int device,
            Summary& summary) {
  std::vector<Job> jobs;
  std::vector<Stereo<std::uint64_t>> expected;
  for (const Method* const method : here) {
    jobs.push_back(
        {method, wave(sizes.small_N, 4), {wave(sizes.small_K, 5), wave(sizes.small_K, 6)}, device});
    expected.push_back(run(jobs.back()));
  }
  const std::size_t free_before = free_device_memory();
  std::size_t free_halfway = free_before;
  int wrong = 0;
  int done = 0;
  Json repeated{{"jobs", sizes.jobs}};
  try {
    for (; done < sizes.jobs; ++done) {
      if (done == sizes.jobs / 2) free_halfway = free_device_memory();
      const std::size_t which = static_cast<std::size_t>(done) % jobs.size();
      wrong += !same(run(jobs[which]), expected[which]);
    }
  } catch (const std::exception& error) {
    repeated["error"] = error.what();
  }
  repeated["done"] = done;
  repeated["wrong"] = wrong;
  repeated["free_bytes_before"] = free_before;
  repeated["free_bytes_halfway"] = free_halfway;
  repeated["free_bytes_after"] = free_device_memory();
  repeated["stale_error"] = cudaGetErrorName(cudaGetLastError());
  summary.add("repeated", repeated, about_repeated(repeated));
}

/// GPU methods that solve a small problem; the others go into `not_here` with their reason.
std::vector<const Method*> methods_here(const Sizes& sizes, int device, Json& not_here) {
  std::vector<const Method*> here;
  for (const Method& method : methods()) {
    if (method.processor != Processor::gpu) continue;
    try {
      run({&method,
           wave(sizes.small_N, 4),
           {wave(sizes.small_K, 5), wave(sizes.small_K, 6)},
           device});
      here.push_back(&method);
    } catch (const std::exception& error) {
      not_here.push_back({{"method", method.name}, {"reason", error.what()}});
    }
  }
  return here;
}

int report(const Sizes& sizes, std::size_t index) {
  const Devices devices = query_devices();
  if (devices.list.empty()) throw GpuError(devices.why_none);
  const Device& device = devices.list.at(index);
  use_device(device.index);
  Json not_here = Json::array();
  const std::vector<const Method*> here = methods_here(sizes, device.index, not_here);
  print({{"device", device.name}, {"not_here", not_here}});
  if (here.empty()) throw GpuError("no GPU method runs");
  Summary summary;
  // cuFFT may be missing; what else is not here is wrong.
  for (const Json& one : not_here) {
    if (one["method"] == "gpu-cufft") continue;
    summary.add("missing", one,
                {one["method"].get<std::string>() + ": " + one["reason"].get<std::string>()});
  }
  starve_all(here, sizes, device, summary);
  repeat(here, sizes, device.index, summary);
  return summary.print_it(sizes, not_here);
}

}  // namespace
}  // namespace gpuconv

int main(int argc, char** argv) {
  const gpuconv::Sizes* sizes = &gpuconv::kFull;
  std::size_t device = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--tiny") == 0) sizes = &gpuconv::kTiny;
    if (std::strcmp(argv[i], "--device") == 0 && i + 1 < argc) {
      device = static_cast<std::size_t>(std::atoi(argv[++i]));
    }
  }
  try {
    return gpuconv::report(*sizes, device);
  } catch (const gpuconv::GpuError& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: internal error: %s\n", error.what());
    return static_cast<int>(gpuconv::Exit::internal);
  }
}
