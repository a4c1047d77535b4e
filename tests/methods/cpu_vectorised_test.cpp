// cpu_vectorised_test.cpp - partitions, batches, threads and the processor's vectors
#include "host/methods/cpu_vectorised.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>

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

VectorisedPlan plan_of(std::size_t N, std::size_t K) {
  return VectorisedConvolver::plan(static_cast<std::int64_t>(N), static_cast<std::int64_t>(K));
}

ErrorBound bound(std::size_t N, std::size_t K) {
  const VectorisedPlan plan = plan_of(N, K);
  return transform_bound(2 * static_cast<std::size_t>(plan.half), plan.partitions);
}

void expect_convolution(std::size_t N, std::size_t K, int threads = 0) {
  const Signal source = noise(N, 1);
  const Stereo<Signal> response = room(K);
  const Stereo<Signal> wet = render(source, response, threads);
  for (const Side side : kSides) {
    EXPECT_TRUE(is_close(wet[side], reference(source, response[side]), bound(N, K), false))
        << name(side) << " ear, " << N << " samples, " << K << " taps, " << threads << " threads";
  }
}

TEST(CpuVectorised, AgreesWithTheDefinitionWhereAnIndexCanBeOffByOne) {
  for (const auto& [N, K] : lengths_around({16, 256, 512, 1024, 4096})) expect_convolution(N, K);
}

constexpr std::size_t kLongSource =
    VectorisedConvolver::kShortSource;  // sources with one plan for all

/// The first source and response that each kind of plan is chosen for, by half, single window or
/// not, one partition or more.
std::map<std::tuple<int, bool, bool>, std::pair<std::size_t, std::size_t>> kinds_of_plans() {
  std::map<std::tuple<int, bool, bool>, std::pair<std::size_t, std::size_t>> kinds;
  for (std::size_t K = 1; K < 1'000'000; K += 1 + K / 16) {
    for (std::size_t N = 1; N < 2 * kLongSource; N += 1 + N / 16) {
      const std::size_t samples = std::min(N, kLongSource);
      const VectorisedPlan plan = plan_of(samples, K);
      kinds.try_emplace({plan.half, plan.is_single(), plan.partitions > 1}, samples, K);
    }
  }
  return kinds;
}

TEST(CpuVectorised, IsRightWithEachKindOfPlan) {
  std::set<int> odd_factors;
  int singles = 0;
  int partitioned = 0;
  for (const auto& [kind, lengths] : kinds_of_plans()) {
    const auto& [half, is_single, is_partitioned] = kind;
    odd_factors.insert(half >> std::countr_zero(static_cast<unsigned>(half)));
    singles += is_single ? 1 : 0;
    partitioned += is_partitioned ? 1 : 0;
    expect_convolution(lengths.first, lengths.second);
  }
  EXPECT_EQ(odd_factors, (std::set<int>{1, 3, 9}));
  EXPECT_GT(singles, 10);
  EXPECT_GT(partitioned, 1);
}

TEST(CpuVectorised, IsRightAroundTheEndOfAWindow) {
  for (const std::size_t K : {300, 5000, 70'000, 700'000}) {
    const auto advance = static_cast<std::size_t>(plan_of(kLongSource, K).advance);
    const std::size_t samples = (kLongSource / advance + 1) * advance;  // frames of whole windows
    for (const std::size_t N : {samples - 1, samples, samples + 1}) {
      expect_convolution(N, K);
      if (N >= K + kLongSource) expect_convolution(N - K + 1, K);
    }
  }
}

TEST(CpuVectorised, IsRightWhereALongSourceBegins) {
  for (const std::size_t N : {kLongSource - 1, kLongSource, kLongSource + 1})
    expect_convolution(N, 3000);
}

TEST(CpuVectorised, TransformsOnlyLengthsThatItsPassesCanDo) {
  for (const int half : {-256, 0, 1, 128, 255, 257, 384, 1280, 27 * 256}) {
    EXPECT_THROW(NegacyclicTransform{half}, std::invalid_argument) << half;
  }
  for (const int half : {512, 768, 2304}) EXPECT_EQ(NegacyclicTransform(half).half(), half);
}

TEST(CpuVectorised, PlansWindowsThatHoldWhatTheyOverlap) {
  for (std::size_t K = 1; K < 100'000'000; K += 1 + K / 3) {
    for (const std::size_t N :
         {std::size_t{1}, K, std::size_t{200'000}, kLongSource, 100 * kLongSource}) {
      const VectorisedPlan plan = plan_of(N, K);
      const auto half = static_cast<std::size_t>(plan.half);
      const auto part = static_cast<std::size_t>(plan.part);
      const auto partitions = static_cast<std::size_t>(plan.partitions);
      EXPECT_EQ(plan.lead + plan.advance, 2 * plan.half);
      EXPECT_GE(part * partitions, K);
      EXPECT_LT(part * (partitions - 1), K);
      if (plan.is_single()) {
        EXPECT_LE(N + K - 1, 2 * half);
      } else {
        EXPECT_GE(static_cast<std::size_t>(plan.lead), partitions > 1 ? half : K - 1);
        EXPECT_LE(part, half);
      }
    }
  }
}

TEST(CpuVectorised, PlansTheSameForAllLongSources) {
  for (const std::size_t K : {1, 1000, 70'000, 2'000'000}) {
    const VectorisedPlan plan = plan_of(kLongSource, K);
    for (const std::size_t N : {kLongSource + 1, 3 * kLongSource, 1000 * kLongSource}) {
      EXPECT_EQ(plan_of(N, K).half, plan.half);
      EXPECT_EQ(plan_of(N, K).advance, plan.advance);
    }
  }
}

TEST(CpuVectorised, IsRightAroundTheEndOfABatch) {
  const std::size_t batch = 65536 * 2;  // of two workers
  for (const std::size_t N : {batch - 1, batch, batch + 1, 2 * batch, 2 * batch + 300}) {
    for (const std::size_t K : {1, 300, 5000}) expect_convolution(N, K, 2);
  }
}

TEST(CpuVectorised, GivesTheSameBytesOnAnyNumberOfThreads) {
  for (const auto& [N, K] : {std::pair(400'000, 100),
                             {400'000, 20'000},
                             {400'000, 70'000},
                             {400'000, 600'000},
                             {200'000, 70'000}}) {
    const Signal source = noise(static_cast<std::size_t>(N), 1);
    const Stereo<Signal> response = room(static_cast<std::size_t>(K));
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
  for (const auto& [N, K] :
       {std::pair(30'000, 200), {30'000, 3000}, {30'000, 20'000}, {200'000, 70'000}}) {
    const Signal source = noise(static_cast<std::size_t>(N), 1);
    const Stereo<Signal> response = room(static_cast<std::size_t>(K));
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

TEST(CpuVectorised, HasWorkForAsManyThreadsAsItStarts) {
  const auto workers = [](std::int64_t N, std::size_t K, int threads, bool knows_spectra = false) {
    return VectorisedConvolver(room(K)).workers(N, knows_spectra, threads);
  };
  EXPECT_EQ(workers(1, 1, 8), 1);
  EXPECT_EQ(workers(16'000, 8000, 8), 1);
  EXPECT_GT(workers(100'000, 10'000, 8), workers(100'000, 10'000, 8, true));
  EXPECT_EQ(workers(200'000, 70'000, 1), 1);
  EXPECT_EQ(workers(200'000, 70'000, 8), 8);
  EXPECT_EQ(workers(static_cast<std::int64_t>(kLongSource), 1, 8), 8);
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

TEST(CpuVectorised, DelaysByWholeWindowsWithoutARounding) {
  const Stereo<Signal> response = room(20'000);
  const auto delay = std::ptrdiff_t{3} * plan_of(kLongSource, 20'000).advance;
  const Signal source = noise(kLongSource, 1);
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

/// Where calls of the source and of the sink come from, and in which order.
struct Calls {
  std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> is_reading = false;
  std::atomic<std::int64_t> read = 0, read_elsewhere = 0;  // samples
  std::atomic<std::int64_t> written = 0;                   // frames

  /// Counts its samples.
  std::size_t fill(std::span<float> block, std::int64_t length) {
    EXPECT_FALSE(is_reading.exchange(true)) << "two threads read";
    const auto count = std::min<std::int64_t>(std::ssize(block), length - read);
    for (std::int64_t n = 0; n < count; ++n) {
      block[static_cast<std::size_t>(n)] = static_cast<float>((read + n) % 1000);
    }
    read += count;
    if (std::this_thread::get_id() != caller) read_elsewhere += count;
    is_reading = false;
    return static_cast<std::size_t>(count);
  }
};

TEST(CpuVectorised, ReadsOnAnyThreadOnlyIfItMay) {
  constexpr std::int64_t kLength = 1'500'000;
  for (const std::size_t K : {std::size_t{1}, std::size_t{70'000}}) {  // short and long windows
    Stereo<Signal> response{Signal(K), Signal(K)};
    response.left[0] = response.right[K - 1] = 1;
    const VectorisedConvolver convolver(response);
    for (const auto& [thread, threads] :
         {std::pair{SourceThread::calling, 3}, std::pair{SourceThread::any, 1},
          std::pair{SourceThread::any, 2}, std::pair{SourceThread::any, 5}}) {
      Calls calls;
      convolver.run([&](std::span<float> block) { return calls.fill(block, kLength); },
                    [&](Stereo<std::span<const float>> wet) {
                      EXPECT_EQ(std::this_thread::get_id(), calls.caller);
                      for (std::size_t n = 0; n < wet.left.size(); n += 97) {
                        const std::int64_t frame = calls.written + static_cast<std::int64_t>(n);
                        const float sample =
                            frame < kLength ? static_cast<float>(frame % 1000) : 0.0F;
                        ASSERT_NEAR(wet.left[n], sample, 0.01F) << frame;
                      }
                      calls.written += std::ssize(wet.left);
                      // Time for the others to do what there is to do.
                      std::this_thread::sleep_for(std::chrono::microseconds(200));
                    },
                    threads, thread);
      EXPECT_EQ(calls.read, kLength);
      EXPECT_EQ(calls.written, kLength + static_cast<std::int64_t>(K) - 1);
      if (thread == SourceThread::calling || threads == 1) {
        EXPECT_EQ(calls.read_elsewhere, 0);
      } else {
        EXPECT_GT(calls.read_elsewhere, 0) << K << " taps, " << threads << " threads";
      }
    }
  }
}

TEST(CpuVectorised, AFailureOnAnotherThreadReachesTheCaller) {
  const VectorisedConvolver convolver(room(70'000), 2);
  Calls calls;
  const auto source = [&](std::span<float> block) {
    const std::size_t count = calls.fill(block, kForever);
    if (calls.read_elsewhere > 0) throw std::runtime_error("the disc is gone");
    return count;
  };
  const auto slowly = [](Stereo<std::span<const float>>) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  };
  EXPECT_THROW(convolver.run(source, slowly, 0, SourceThread::any), std::runtime_error);
}

TEST(CpuVectorised, ReadsNoMoreOnceTheSinkHasFailed) {
  for (const SourceThread thread : {SourceThread::calling, SourceThread::any}) {
    const VectorisedConvolver convolver(room(70'000), 2);
    Calls calls;
    std::atomic<std::int64_t> at_failure = kForever;
    const auto full = [&](Stereo<std::span<const float>>) {
      at_failure = calls.read.load();
      throw std::runtime_error("the disc is full");
    };
    EXPECT_THROW(convolver.run([&](std::span<float> block) { return calls.fill(block, kForever); },
                               full, 0, thread),
                 std::runtime_error);
    // Another thread reads on until it hears of it, but no further than its batch.
    const std::int64_t most =
        thread == SourceThread::calling ? 0 : plan_of(kLongSource, 70'000).advance;
    EXPECT_LE(calls.read - at_failure, most);
  }
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
