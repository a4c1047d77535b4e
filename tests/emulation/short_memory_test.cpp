// short_memory_test.cpp - a render on devices of every size, from nothing to enough
#include <optional>
#include <set>

#include "cuda/methods/convolver.hpp"
#include "host/base/error.hpp"
#include "host/render/gpu_renderer.hpp"
#include "tests/emulation/fixture.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

constexpr std::int64_t kBlock = 100;

template <PlanConvolver* plan>
std::unique_ptr<Convolver> few_blocks(Stereo<std::span<const float>> response,
                                      std::int64_t source_length) {
  return plan(response, std::min(source_length, kBlock));
}

struct ShortOfMemory {
  const char* name;
  PlanConvolver* plan;
};

class ShortMemory : public EmulationFixture, public ::testing::WithParamInterface<ShortOfMemory> {
 protected:
  struct Outcome {
    Stereo<Signal> wet;
    std::size_t allocations;  // alive at the end: what the renderer makes do with
  };

  /// Nothing if there was too little memory for it.
  std::optional<Outcome> render(std::size_t device_bytes) {
    emulation::set_device_bytes(device_bytes);
    const std::size_t before = emulation::live_allocations();
    std::optional<Outcome> outcome;
    try {
      const auto renderer = make_gpu_renderer(GetParam().plan, response_, kSamples, 0);
      outcome = {run(*renderer, source_), emulation::live_allocations() - before};
      // It goes on with what it has.
      EXPECT_EQ(run(*renderer, source_).left, outcome->wet.left) << device_bytes;
    } catch (const GpuError& error) {
      const std::string sentence = error.what();
      EXPECT_NE(sentence.find("out of device memory: needs "), std::string::npos) << sentence;
      EXPECT_NE(sentence.find(" are free"), std::string::npos) << sentence;
    }
    EXPECT_EQ(emulation::live_allocations(), before) << device_bytes;
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << device_bytes;
    return outcome;
  }

  static constexpr std::int64_t kSamples = 750;
  const Signal source_ = noise(kSamples, 1);
  const Stereo<Signal> response_{noise(230, 2), noise(230, 3)};  // a tail spans three blocks
};

TEST_P(ShortMemory, TakesBlocksOutOfFlightAndGivesTheSameBytes) {
  const std::optional<Outcome> expected = render(std::size_t{1} << 30);
  ASSERT_TRUE(expected);
  std::set<std::size_t> ways;
  std::size_t refused = 0;
  for (std::size_t bytes = 0;; bytes += 256) {
    const std::optional<Outcome> seen = render(bytes);
    refused += !seen;
    if (!seen) {
      ASSERT_TRUE(ways.empty()) << "less memory was enough than " << bytes << " bytes";
      continue;
    }
    ASSERT_EQ(seen->wet.left, expected->wet.left) << bytes;
    ASSERT_EQ(seen->wet.right, expected->wet.right) << bytes;
    ways.insert(seen->allocations);
    if (seen->allocations == expected->allocations) break;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(ways.size(), 4u) << "one to four blocks in flight";
}

INSTANTIATE_TEST_SUITE_P(, ShortMemory,
                         ::testing::Values(ShortOfMemory{"gpu_tiled", few_blocks<plan_gpu_tiled>},
                                           ShortOfMemory{"gpu_radix2", few_blocks<plan_gpu_radix2>},
                                           ShortOfMemory{"gpu_cufft", few_blocks<plan_gpu_cufft>},
                                           ShortOfMemory{"gpu_fourstep",
                                                         few_blocks<plan_gpu_fourstep>},
                                           ShortOfMemory{"gpu_fused", few_blocks<plan_gpu_fused>}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpuconv::test
