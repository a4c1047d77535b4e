// cpu_vectorised_test.cpp - partitions, batches, threads and the processor's vectors
#include "host/methods/cpu_vectorised.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <limits>
#include <set>
#include <stdexcept>
#include <thread>

#include "host/base/parallel.hpp"
#include "tests/methods/cpu_reference.hpp"

namespace gpuconv::test {
namespace {

/// Asks no more of the source once it has ended, as a file would.
Stereo<Signal> render(const VectorisedConvolver& convolver, const Signal& source) {
  Stereo<Signal> wet;
  std::size_t used = 0;
  convolver.run(
      [&](std::span<float> block) {
        std::fill(block.begin(), block.end(), std::nanf(""));  // only what is read may be used
        const std::size_t count = std::min(block.size(), source.size() - used);
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(used), count, block.begin());
        used += count;
        return count;
      },
      [&](Stereo<std::span<const float>> frames) {
        EXPECT_EQ(frames.left.size(), frames.right.size());
        for (const Side side : kSides) {
          wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
        }
      });
  return wet;
}

Stereo<Signal> render(const Signal& source, const Stereo<Signal>& response, int threads = 0) {
  return render(VectorisedConvolver(response, threads), source);
}

Stereo<Signal> room(std::size_t K) { return {decaying_noise(K, 2), decaying_noise(K, 3)}; }

ErrorBound bound(std::size_t K) {
  const VectorisedPlan plan = VectorisedConvolver::plan(static_cast<std::int64_t>(K));
  return transform_bound(static_cast<std::size_t>(plan.transform_length), plan.partitions);
}

void expect_convolution(std::size_t N, std::size_t K, int threads = 0) {
  const Signal source = noise(N, 1);
  const Stereo<Signal> response = room(K);
  const Stereo<Signal> wet = render(source, response, threads);
  for (const Side side : kSides) {
    EXPECT_TRUE(is_close(wet[side], reference(source, response[side]), bound(K), false))
        << name(side) << " ear, " << N << " samples, " << K << " taps, " << threads << " threads";
  }
}

TEST(CpuVectorised, AgreesWithTheDefinitionWhereAnIndexCanBeOffByOne) {
  for (const auto& [N, K] : lengths_around({16, 256, 512, 1024, 4096})) expect_convolution(N, K);
}

/// The shortest response for each length of block.
std::vector<std::int64_t> first_responses() {
  std::vector<std::int64_t> first;
  int block = 0;
  for (std::int64_t K = 1; K < 2'000'000; K += 1 + K / 64) {
    const VectorisedPlan plan = VectorisedConvolver::plan(K);
    if (plan.block > block) first.push_back(K);
    block = std::max(block, plan.block);
  }
  return first;
}

TEST(CpuVectorised, IsRightWithEachBlockThatCanBePlanned) {
  std::set<int> blocks;
  for (const std::int64_t K : first_responses()) {
    const VectorisedPlan plan = VectorisedConvolver::plan(K);
    blocks.insert(plan.block);
    const auto B = static_cast<std::size_t>(plan.block);
    const auto taps = static_cast<std::size_t>(K);
    for (const std::size_t N : {B - 1, B, B + 1, 2 * B}) {
      expect_convolution(N, taps);
      expect_convolution(N - taps % B, taps);  // N+K-1 is a block, and less than that by one
    }
  }
  EXPECT_EQ(blocks, (std::set<int>{256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}));
}

TEST(CpuVectorised, TransformsOnlyPowersOfTwoThatFillItsVectors) {
  for (const int half : {-256, 0, 1, 128, 255, 257, 384}) {
    EXPECT_THROW(NegacyclicTransform{half}, std::invalid_argument) << half;
  }
  EXPECT_EQ(NegacyclicTransform(512).half(), 512);
}

TEST(CpuVectorised, PlansBlocksThatCoverTheResponse) {
  for (std::int64_t K = 1; K < 100'000'000; K += 1 + K / 3) {
    const VectorisedPlan plan = VectorisedConvolver::plan(K);
    EXPECT_EQ(plan.transform_length, 2 * plan.block);
    EXPECT_GE(std::int64_t{plan.block} * plan.partitions, K);
    EXPECT_LT(std::int64_t{plan.block} * (plan.partitions - 1), K);
  }
}

TEST(CpuVectorised, IsRightAroundTheEndOfABatch) {
  const std::size_t batch = 65536 * 2;  // of two workers
  for (const std::size_t N : {batch - 1, batch, batch + 1, 2 * batch, 2 * batch + 300}) {
    for (const std::size_t K : {1, 300, 5000}) expect_convolution(N, K, 2);
  }
}

TEST(CpuVectorised, GivesTheSameBytesOnAnyNumberOfThreads) {
  const Signal source = noise(400'000, 1);
  for (const std::size_t K : {100, 20'000, 600'000}) {
    const Stereo<Signal> response = room(K);
    const Stereo<Signal> one = render(source, response, 1);
    for (const int threads : {0, 2, 3, 8, 40}) {
      const Stereo<Signal> wet = render(source, response, threads);
      EXPECT_EQ(wet.left, one.left) << threads;
      EXPECT_EQ(wet.right, one.right) << threads;
    }
  }
}

// With more workers than a step has tasks, all tasks of a step run at once: a window that is
// transformed too early would replace one that is still needed. ThreadSanitizer sees it.
TEST(CpuVectorised, KeepsWindowsUntilAllWorkersHaveUsedThem) {
  const Signal source = noise(4'000'000, 1);
  const Stereo<Signal> response = room(600'000);
  const Stereo<Signal> one = render(source, response, 1);
  const Stereo<Signal> wet = render(source, response, 40);
  EXPECT_EQ(wet.left, one.left);
  EXPECT_EQ(wet.right, one.right);
}

TEST(CpuVectorised, GivesTheSameBytesOnEveryProcessor) {
  const Signal source = noise(30'000, 1);
  for (const std::size_t K : {200, 3000, 20'000}) {
    const Stereo<Signal> response = room(K);
    const Stereo<Signal> wet = render(source, response);
    const std::int64_t supported = hwy::SupportedTargets();
    for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
      const std::int64_t target = rest & -rest;
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      const Stereo<Signal> here = render(source, response);
      EXPECT_EQ(here.left, wet.left) << hwy::TargetName(target) << ", " << K << " taps";
      EXPECT_EQ(here.right, wet.right) << hwy::TargetName(target) << ", " << K << " taps";
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(CpuVectorised, RendersAgainAndElsewhereAtTheSameTime) {
  const VectorisedConvolver convolver(room(3000), 2);
  const Signal source = noise(50'000, 1);
  const Stereo<Signal> first = render(convolver, source);
  Stereo<Signal> second;
  Stereo<Signal> third;
  {
    const std::jthread other([&] { second = render(convolver, source); });
    third = render(convolver, source);
  }
  EXPECT_EQ(first.left, second.left);
  EXPECT_EQ(first.right, second.right);
  EXPECT_EQ(first.left, third.left);
  EXPECT_EQ(first.right, third.right);
}

TEST(CpuVectorised, WritesNothingForAnEmptySource) {
  EXPECT_TRUE(render({}, room(300)).left.empty());
}

TEST(CpuVectorised, KeepsSilenceSilent) {
  const Stereo<Signal> wet = render(Signal(5000), room(700));
  EXPECT_EQ(wet.left, Signal(5699));
  EXPECT_EQ(wet.right, Signal(5699));
}

TEST(CpuVectorised, KeepsASilentEarSilentAndTheOtherUntouched) {
  const Signal source = noise(5000, 1);
  const Stereo<Signal> both = render(source, room(700));
  for (const Side silent : kSides) {
    const Side other = silent == Side::left ? Side::right : Side::left;
    Stereo<Signal> response = room(700);
    response[silent].assign(700, 0.0F);
    const Stereo<Signal> wet = render(source, response);
    EXPECT_EQ(wet[silent], Signal(5699));
    EXPECT_EQ(wet[other], both[other]);
  }
}

TEST(CpuVectorised, SwapsTheEarsWithTheResponse) {
  const Signal source = noise(5000, 1);
  const Stereo<Signal> response = room(700);
  const Stereo<Signal> wet = render(source, response);
  const Stereo<Signal> swapped = render(source, {response.right, response.left});
  EXPECT_EQ(wet.left, swapped.right);
  EXPECT_EQ(wet.right, swapped.left);
}

TEST(CpuVectorised, ScalesExactlyByPowersOfTwo) {
  Signal source = noise(5000, 1);
  const Stereo<Signal> wet = render(source, room(700));
  for (float& sample : source) sample *= -0x1p-40F;
  Signal quiet = render(source, room(700)).left;
  for (float& sample : quiet) sample *= -0x1p40F;
  EXPECT_EQ(quiet, wet.left);
}

TEST(CpuVectorised, DelaysByWholeBlocksWithoutARounding) {
  const Stereo<Signal> response = room(20'000);
  const auto delay = std::ptrdiff_t{3} * VectorisedConvolver::plan(20'000).block;
  const Signal source = noise(30'000, 1);
  Signal delayed(static_cast<std::size_t>(delay));
  delayed.insert(delayed.end(), source.begin(), source.end());
  const Signal wet = render(delayed, response).right;
  EXPECT_EQ(Signal(wet.begin() + delay, wet.end()), render(source, response).right);
}

TEST(CpuVectorised, RoundsToWholeNumbersForWholeNumbers) {
  const Signal source = integers(9000, 100, 1);
  const Signal response = integers(600, 7, 2);
  const Signal wet = render(source, {response, response}).left;
  const Reference expected = reference(source, response);
  for (std::size_t n = 0; n < wet.size(); ++n) {
    ASSERT_EQ(std::round(wet[n]), std::round(expected.wet[n])) << n;
  }
}

TEST(CpuVectorised, KeepsDenormals) {
  Signal source = noise(3000, 1);
  for (float& sample : source) sample *= 0x1p-135F;
  const Signal impulse{1.0F};
  const Signal wet = render(source, {impulse, impulse}).left;
  for (std::size_t n = 0; n < wet.size(); ++n) ASSERT_NEAR(wet[n], source[n], 0x1p-145) << n;
}

TEST(CpuVectorised, CarriesAnExceptionOfTheSourceOrTheSinkToTheCaller) {
  const VectorisedConvolver convolver(room(300), 3);
  const ReadSource endless = [](std::span<float> block) {
    std::fill(block.begin(), block.end(), 0.5F);
    return block.size();
  };
  int reads = 0;
  const ReadSource broken = [&](std::span<float> block) {
    if (++reads == 5000) throw std::runtime_error("the disc is gone");
    return endless(block);
  };
  const WriteWet full = [](Stereo<std::span<const float>>) {
    throw std::runtime_error("the disc is full");
  };
  EXPECT_THROW(convolver.run(broken, [](Stereo<std::span<const float>>) {}), std::runtime_error);
  EXPECT_THROW(convolver.run(endless, full), std::runtime_error);
}

TEST(CpuVectorised, RefusesEarsThatDoNotFit) {
  EXPECT_THROW(VectorisedConvolver({Signal(), Signal()}), std::invalid_argument);
  EXPECT_THROW(VectorisedConvolver({Signal(3), Signal(4)}), std::invalid_argument);
}

TEST(RunWorkers, RunsEachWorkerOnceAndCarriesAnException) {
  for (const int threads : {1, 2, 5}) {
    std::vector<int> runs(static_cast<std::size_t>(threads));
    run_workers(threads, [&](int worker, int workers) {
      EXPECT_EQ(workers, threads);
      ++runs[static_cast<std::size_t>(worker)];
    });
    EXPECT_EQ(runs, std::vector<int>(static_cast<std::size_t>(threads), 1));
    EXPECT_THROW(run_workers(threads,
                             [threads](int worker, int) {
                               if (worker == threads - 1) throw std::logic_error("a bug");
                             }),
                 std::logic_error);
  }
  EXPECT_GE(core_count(), 1);
}

}  // namespace
}  // namespace gpuconv::test
