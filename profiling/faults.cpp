// faults.cpp - what happens when a GPU runs out of memory, and after 10,000 jobs
//
//   gpuconv_faults [--device N] [--tiny]
//
// Prints one JSON object; profiling/gpu_check judges it. A job on a card with next to no memory
// left gives the right bytes or a GpuError, leaves no CUDA error behind, and the next job, with the
// memory back, gives the same bytes as the first. --tiny serves the emulation, which has the memory
// of the machine: there the card is not filled.
#include <cuda_runtime.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cuda/runtime/device.hpp"
#include "cuda/runtime/resources.hpp"
#include "host/error.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMiB = std::size_t{1} << 20;

struct Sizes {
  std::size_t large_N, large_K;  ///< needs more memory than the least that is left
  std::size_t small_N, small_K;
  int jobs;
  std::size_t fill_bytes;  ///< at most so much is taken away
};

constexpr Sizes kFull{1'000'000, 70'000, 3000, 200, 10'000, ~std::size_t{0}};
constexpr Sizes kTiny{1000, 100, 200, 30, 12, 8 * kMiB};

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
  renderer->render(
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

/// Takes device memory away until about `leave` bytes are free, largest pieces first.
class Hog {
 public:
  Hog(std::size_t leave, std::size_t most) {
    std::size_t taken = 0;
    for (std::size_t piece = std::size_t{1} << 40; piece >= kMiB; piece /= 2) {
      while (taken + piece <= most && free_device_memory() >= leave + piece && take(piece)) {
        taken += piece;
      }
    }
  }

 private:
  bool take(std::size_t bytes) {
    try {
      pieces_.emplace_back(bytes);
      return true;
    } catch (const CudaError&) {
      return false;  // free, but not in one piece
    }
  }

  std::vector<DeviceBuffer<char>> pieces_;
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

Json starve_all(const std::vector<const Method*>& here, const Sizes& sizes, int device) {
  Json steps = Json::array();
  for (const Method* const method : here) {
    const Job job{
        method, wave(sizes.large_N, 1), {wave(sizes.large_K, 2), wave(sizes.large_K, 3)}, device};
    const Stereo<std::uint64_t> expected = run(job);
    for (std::size_t leave = kMiB; leave <= 64 * kMiB; leave *= 2) {
      steps.push_back(starve(job, leave, sizes.fill_bytes, expected));
    }
  }
  return steps;
}

/// `sizes.jobs` small jobs, the methods in turn. The first of each is the example for the others
/// and has loaded its kernels before the memory is measured.
Json repeat(const std::vector<const Method*>& here, const Sizes& sizes, int device) {
  std::vector<Job> jobs;
  std::vector<Stereo<std::uint64_t>> expected;
  for (const Method* const method : here) {
    jobs.push_back(
        {method, wave(sizes.small_N, 4), {wave(sizes.small_K, 5), wave(sizes.small_K, 6)}, device});
    expected.push_back(run(jobs.back()));
  }
  const std::size_t free_before = free_device_memory();
  int wrong = 0;
  for (int i = 0; i < sizes.jobs; ++i) {
    const std::size_t which = static_cast<std::size_t>(i) % jobs.size();
    wrong += !same(run(jobs[which]), expected[which]);
  }
  return {{"jobs", sizes.jobs},
          {"wrong", wrong},
          {"free_bytes_before", free_before},
          {"free_bytes_after", free_device_memory()},
          {"stale_error", cudaGetErrorName(cudaGetLastError())}};
}

/// GPU methods that solve a small problem; the others go into `not_here` with their reason.
std::vector<const Method*> methods_here(const Sizes& sizes, int device, Json& not_here) {
  std::vector<const Method*> here;
  for (const Method& method : methods()) {
    if (method.place != Place::gpu) continue;
    try {
      run({&method,
           wave(sizes.small_N, 4),
           {wave(sizes.small_K, 5), wave(sizes.small_K, 6)},
           device});
      here.push_back(&method);
    } catch (const GpuError& error) {
      not_here.push_back({{"method", method.name}, {"reason", error.what()}});
    }
  }
  return here;
}

int report(const Sizes& sizes, int device) {
  const Devices devices = query_devices();
  if (devices.list.empty()) throw GpuError(devices.why_none);
  use_device(device);
  Json not_here = Json::array();
  const std::vector<const Method*> here = methods_here(sizes, device, not_here);
  if (here.empty()) throw GpuError("no GPU method runs: " + not_here.dump());
  Json result{{"device", devices.list.at(static_cast<std::size_t>(device)).name},
              {"not_here", not_here}};
  result["starved"] = starve_all(here, sizes, device);
  result["repeated"] = repeat(here, sizes, device);
  std::printf("%s\n", result.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace gpuconv

int main(int argc, char** argv) {
  const gpuconv::Sizes* sizes = &gpuconv::kFull;
  int device = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--tiny") == 0) sizes = &gpuconv::kTiny;
    if (std::strcmp(argv[i], "--device") == 0 && i + 1 < argc) device = std::atoi(argv[++i]);
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
