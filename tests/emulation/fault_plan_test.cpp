// fault_plan_test.cpp - every single runtime call of a render fails once: an error, or the right
// frames, never anything else, and nothing stays behind
#include <algorithm>
#include <optional>

#include "cuda/methods/convolver.hpp"
#include "host/error.hpp"
#include "tests/emulation/fixture.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

using emulation::Failing;

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

struct PlannedMethod {
  const char* name;
  PlanConvolver* plan;
};

class EveryCall : public EmulationFixture, public ::testing::WithParamInterface<PlannedMethod> {
 protected:
  struct Alive {
    std::size_t allocations = emulation::live_allocations();
    std::size_t streams = emulation::live_streams();
    std::size_t events = emulation::live_events();
    std::size_t graphs = emulation::live_graphs();
    bool operator==(const Alive&) const = default;
  };

  static Stereo<Signal> render() {
    const Signal source = noise(150, 1);
    const Stereo<Signal> response{noise(40, 2), noise(40, 3)};
    return run(*make_gpu_renderer(GetParam().plan, response, 150, 0), source);
  }

  /// Nothing if the render ends with an error of ours.
  static std::optional<Stereo<Signal>> try_render() {
    try {
      return render();
    } catch (const GpuError&) {
      return std::nullopt;
    }
  }

  void fail_each_call(int code, Failing failing) {
    const Stereo<Signal> expected = render();
    const Alive before;
    const auto is_expected = [&](const Stereo<Signal>& seen) {
      return seen.left == expected.left && seen.right == expected.right;
    };
    int n = 0;
    for (bool has_failed = true; has_failed;) {
      emulation::forget();
      emulation::fail_call(++n, code, failing);
      const std::optional<Stereo<Signal>> seen = try_render();
      has_failed = emulation::has_failed_as_planned();
      emulation::fail_no_call();
      const auto& calls = emulation::calls();
      const std::string failed = has_failed ? calls.at(static_cast<std::size_t>(n - 1)) : "none";
      emulation::recover();
      ASSERT_EQ(Alive(), before) << "after call " << n << ", " << failed;
      ASSERT_TRUE(!seen || is_expected(*seen)) << "after call " << n << ", " << failed;
      ASSERT_TRUE(is_expected(render())) << "after call " << n << ", " << failed;
    }
    EXPECT_GT(n, 60) << "a render of two blocks makes more calls";
  }
};

TEST_P(EveryCall, MayRunOutOfMemoryOnce) {
  fail_each_call(cudaErrorMemoryAllocation, Failing::once);
}

TEST_P(EveryCall, MayRunOutOfMemoryForEver) {
  fail_each_call(cudaErrorMemoryAllocation, Failing::persistent);
}

TEST_P(EveryCall, MayLoseTheDevice) { fail_each_call(cudaErrorIllegalAddress, Failing::once); }

INSTANTIATE_TEST_SUITE_P(
    , EveryCall,
    ::testing::Values(PlannedMethod{"gpu_direct", short_blocks<plan_gpu_direct>},
                      PlannedMethod{"gpu_tiled", short_blocks<plan_gpu_tiled>},
                      PlannedMethod{"gpu_radix2", short_blocks<plan_gpu_radix2>},
                      PlannedMethod{"gpu_cufft", short_blocks<plan_gpu_cufft>},
                      PlannedMethod{"gpu_fourstep", short_blocks<plan_gpu_fourstep>},
                      PlannedMethod{"gpu_fused", short_blocks<plan_gpu_fused>}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpuconv::test
