// fault_plan_test.cpp - every single runtime call of a render fails, once or from then on: an
// error, or the right frames, never anything else; nothing stays behind, and the next job is as
// before
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cuda/methods/convolver.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/launch.cuh"
#include "host/base/error.hpp"
#include "host/render/gpu_renderer.hpp"
#include "host/render/prepared.hpp"
#include "tests/emulation/fixture.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

using emulation::Failing;

constexpr int kDevicesUnavailable = 46;  // cudaErrorDevicesUnavailable
constexpr int kLaunchTimeout = 702;      // cudaErrorLaunchTimeout

class FaultPlan : public EmulationFixture {};

TEST_F(FaultPlan, FailsTheCallItNamesOnceOrFromThenOn) {
  void* memory = nullptr;
  emulation::forget();
  emulation::fail_call(2, cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaErrorMemoryAllocation);
  EXPECT_EQ(emulation::live_allocations(), 0u) << "what fails to be released is gone";
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  const std::vector<std::string> expected{"cudaMalloc", "cudaFree", "cudaMalloc", "cudaFree"};
  EXPECT_EQ(emulation::calls(), expected);
  emulation::fail_call(1, cudaErrorMemoryAllocation, Failing::persistent);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cudaMalloc(&memory, 16), cudaErrorMemoryAllocation);
}

/// It asks once for each kernel: an answer that did not come is asked for again.
TEST_F(FaultPlan, WhetherAKernelCanStartEarlyIsAskedAgainAfterAnError) {
  static const char kernel = 0;
  emulation::forget();
  emulation::fail_call(2, cudaErrorMemoryAllocation);
  EXPECT_THROW(can_start_early(&kernel), std::runtime_error);
  EXPECT_TRUE(can_start_early(&kernel));
  EXPECT_TRUE(can_start_early(&kernel));
  const std::vector<std::string> expected{"cudaGetDevice", "cudaFuncGetAttributes", "cudaGetDevice",
                                          "cudaFuncGetAttributes", "cudaGetDevice"};
  EXPECT_EQ(emulation::calls(), expected);
}

TEST_F(FaultPlan, KeepsErrorsThatLoseTheDevice) {
  for (const int code : {214, 700, 719}) {
    int device = 0;
    emulation::fail_call(1, code);
    EXPECT_EQ(cudaGetDevice(&device), code);
    EXPECT_EQ(cudaGetDevice(&device), code);
    EXPECT_EQ(cudaGetLastError(), code);
    EXPECT_EQ(cudaGetLastError(), code);
    emulation::recover();
    EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  }
}

/// The method's plan for a source of at most 100 samples: a render takes several blocks.
template <PlanConvolver* plan>
std::unique_ptr<Convolver> short_blocks(Stereo<std::span<const float>> response,
                                        std::int64_t source_length) {
  return plan(response, std::min<std::int64_t>(source_length, 100));
}

/// All frames of both ears, as bytes.
std::string bytes_of(const Stereo<Signal>& wet) {
  return test::bytes_of(wet.left) + test::bytes_of(wet.right);
}

std::string render(PlanConvolver* plan, std::size_t N, std::size_t K) {
  const Stereo<Signal> response{noise(K, 2), noise(K, 3)};
  const auto renderer = make_gpu_renderer(plan, response, static_cast<std::int64_t>(N), 0);
  return bytes_of(run(*renderer, noise(N, 1)));
}

template <PlanConvolver* plan>
std::string two_blocks() {
  return render(short_blocks<plan>, 150, 40);
}

/// The tail of each block reaches over several others.
std::string response_longer_than_the_blocks() {
  return render(short_blocks<plan_gpu_radix2>, 250, 350);
}

/// One plan, used again after it has gone through all blocks in flight.
std::string two_renders_of_one_plan() {
  const Stereo<Signal> response{noise(40, 2), noise(40, 3)};
  const auto renderer = make_gpu_renderer(short_blocks<plan_gpu_fused>, response, 450, 0);
  const std::string first = bytes_of(run(*renderer, noise(450, 1)));
  return first + bytes_of(run(*renderer, noise(150, 4)));
}

/// A device with room for one block in flight.
std::string little_memory() {
  emulation::set_device_bytes(14'000);
  std::string wet;
  try {
    wet = render(short_blocks<plan_gpu_tiled>, 350, 40);
  } catch (...) {
    emulation::restore_device();
    throw;
  }
  emulation::restore_device();
  return wet;
}

/// Files in, a file out: the old one or a whole one, whatever happens.
std::string whole_job() {
  static const std::string kOld = "what was there before";
  const Folder folder;
  Job job;
  job.input = float_wav(folder, "dry.wav", 1, noise(300, 1));
  job.response = float_wav(folder, "room.wav", 2, noise(100, 2));
  job.output = folder.file("wet.wav");
  job.request.method = "gpu-fourstep";
  write_bytes(job.output, kOld);
  try {
    run(resolve(job));
  } catch (...) {
    EXPECT_EQ(read_bytes(job.output), kOld);
    EXPECT_EQ(folder.count(), 3);
    throw;
  }
  EXPECT_EQ(folder.count(), 3);
  return read_bytes(job.output);
}

/// What is asked before any work is done.
std::string which_devices() {
  const Devices devices = query_devices();
  if (devices.list.empty()) throw GpuError(devices.why_none);
  return devices.list.front().name;
}

struct Workload {
  const char* name;
  std::string (*run)();  ///< everything that it results in
  int least_calls;
  bool is_quick = false;  ///< so that all its calls run out of memory with every change
};

class EveryCall : public EmulationFixture, public ::testing::WithParamInterface<Workload> {
 protected:
  static constexpr unsigned kSeconds = 10;
  static constexpr int kShare = 8;  // calls that fail, for each workload and fault

  struct Alive {
    std::size_t allocations = emulation::live_allocations();
    std::size_t streams = emulation::live_streams();
    std::size_t events = emulation::live_events();
    std::size_t graphs = emulation::live_graphs();
    bool operator==(const Alive&) const = default;
  };

  /// Nothing if it ends with an error of ours. What hangs is killed.
  static std::optional<std::string> try_to_run() {
    ::alarm(kSeconds);
    std::optional<std::string> seen;
    try {
      seen = GetParam().run();
    } catch (const GpuError&) {
    }
    ::alarm(0);
    return seen;
  }

  /// Destructors say nothing, and what they leave as the last error nobody reads.
  static bool releases(const std::string& call) {
    return call.starts_with("cudaFree") || call.ends_with("Destroy");
  }

  /// `step` 1 for every call.
  void fail_calls(int code, Failing failing, int step) {
    GetParam().run();  // asks once in a process what can_start_early() keeps
    emulation::forget();
    const std::string expected = GetParam().run();
    const int calls = static_cast<int>(emulation::calls().size());
    EXPECT_GE(calls, GetParam().least_calls);
    const Alive before;
    int runs = 0;
    int recovered = 0;
    for (int n = 1; n <= calls; n += step, ++runs) {
      emulation::forget();
      emulation::fail_call(n, code, failing);
      const std::optional<std::string> seen = try_to_run();
      EXPECT_TRUE(emulation::has_failed_as_planned());
      emulation::fail_no_call();
      const std::string name = emulation::calls().at(static_cast<std::size_t>(n - 1));
      const std::string failed = fmt::format("call {}, {}", n, name);
      if (seen && failing == Failing::once && !releases(name)) {
        const cudaError_t left = cudaGetLastError();
        // ~DeviceInUse() says nothing of a device that is lost, and nothing clears that error.
        const bool is_lost = name == "cudaSetDevice" && !still_answers();
        EXPECT_TRUE(left == cudaSuccess || is_lost) << left << " left behind by " << failed;
      }
      emulation::recover();
      ASSERT_EQ(Alive(), before) << "after " << failed;
      ASSERT_TRUE(!seen || *seen == expected) << "after " << failed;
      ASSERT_TRUE(GetParam().run() == expected) << "the next job after " << failed;
      recovered += seen.has_value();
    }
    std::printf("%s: error %d, %s: %d of %d calls failed, %d without harm\n", GetParam().name, code,
                failing == Failing::once ? "once" : "for ever", runs, calls, recovered);
  }

  /// Once and for ever, at a share of the calls; at all of them with GPUCONV_LONG=1.
  void fail_share(int code,
                  std::initializer_list<Failing> failings = {Failing::once, Failing::persistent}) {
    emulation::forget();
    GetParam().run();
    const int calls = static_cast<int>(emulation::calls().size());
    const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
    const int step = all ? 1 : std::max(1, calls / kShare);
    for (const Failing failing : failings) fail_calls(code, failing, step);
  }
};

TEST_P(EveryCall, MayRunOutOfMemoryOnce) {
  if (GetParam().is_quick) {
    fail_calls(cudaErrorMemoryAllocation, Failing::once, 1);
  } else {
    fail_share(cudaErrorMemoryAllocation, {Failing::once});
  }
}

TEST_P(EveryCall, MayRunOutOfMemoryForEver) {
  fail_share(cudaErrorMemoryAllocation, {Failing::persistent});
}

TEST_P(EveryCall, MayFindTheDeviceUnavailable) { fail_share(kDevicesUnavailable); }

TEST_P(EveryCall, MayMeetAMemoryErrorOfTheHardware) { fail_share(cudaErrorEccUncorrectable); }

TEST_P(EveryCall, MayLoseTheDevice) { fail_share(cudaErrorIllegalAddress); }

TEST_P(EveryCall, MayBeCutOffByTheDisplay) { fail_share(kLaunchTimeout); }

INSTANTIATE_TEST_SUITE_P(
    , EveryCall,
    ::testing::Values(Workload{"gpu_direct", two_blocks<plan_gpu_direct>, 60, true},
                      Workload{"gpu_tiled", two_blocks<plan_gpu_tiled>, 60, true},
                      Workload{"gpu_radix2", two_blocks<plan_gpu_radix2>, 60, true},
                      Workload{"gpu_cufft", two_blocks<plan_gpu_cufft>, 60, true},
                      Workload{"gpu_fourstep", two_blocks<plan_gpu_fourstep>, 60, true},
                      Workload{"gpu_fused", two_blocks<plan_gpu_fused>, 60, true},
                      Workload{"long_response", response_longer_than_the_blocks, 100},
                      Workload{"two_renders", two_renders_of_one_plan, 100},
                      Workload{"little_memory", little_memory, 100},
                      Workload{"whole_job", whole_job, 60},
                      Workload{"which_devices", which_devices, 3, true}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpuconv::test
