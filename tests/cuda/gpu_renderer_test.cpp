// gpu_renderer_test.cpp - blocks, streams and two ears
//
// Block lengths are made small here, so that a short signal takes many blocks.
#include "host/render/gpu_renderer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <set>
#include <stdexcept>
#include <thread>

#include "cuda/blocks/levels.hpp"
#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "tests/support/child.hpp"
#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/run.hpp"

#ifdef GPUCONV_EMULATED
#include "tests/emulation/emulation.hpp"
#endif

namespace gpuconv::test {
namespace {

/// The method's plan for a source of at most `kLength` samples: the renderer then has to cut.
template <PlanConvolver* plan, std::int64_t kLength>
std::unique_ptr<Convolver> short_blocks(Stereo<std::span<const float>> response,
                                        std::int64_t source_length) {
  return plan(response, std::min(source_length, kLength));
}

struct BlockwiseCase {
  const char* name;
  PlanConvolver* plan;
};

class Blockwise : public ::testing::TestWithParam<BlockwiseCase> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }

  static Stereo<Signal> render(const Signal& source, const Stereo<Signal>& response,
                               RenderReport* report = nullptr) {
    const auto renderer =
        make_gpu_renderer(GetParam().plan, response, static_cast<std::int64_t>(source.size()), 0);
    Frames frames;
    MemorySource memory(source);
    const RenderReport seen = renderer->run(std::ref(memory), std::ref(frames));
    if (report != nullptr) *report = seen;
    return frames.wet;
  }
};

// Partial sums of neighbouring blocks are added once more: one more rounding.
constexpr ErrorBound kBound{12 * 0x1p-24, 12 * 0x1p-24};

TEST_P(Blockwise, JoinsBlocksOfAnyNumberAndTailsOfAnyLength) {
  // A block has 100 samples: no, one, two and many blocks, exactly full or not, and tails that
  // reach over none, one and many blocks.
  for (const std::size_t N : {1u, 99u, 100u, 101u, 200u, 201u, 399u, 400u, 1234u}) {
    for (const std::size_t K : {1u, 2u, 50u, 100u, 101u, 102u, 350u}) {
      const Signal source = noise(N, 1);
      const Stereo<Signal> response{noise(K, 2), noise(K, 3)};
      RenderReport report;
      const Stereo<Signal> wet = render(source, response, &report);
      EXPECT_EQ(report.source_samples, static_cast<std::int64_t>(N));
      EXPECT_EQ(report.frames, static_cast<std::int64_t>(N + K - 1));
      for (const Side side : kSides) {
        ASSERT_TRUE(is_close(wet[side], reference(source, response[side]), kBound, false))
            << name(side) << " ear, " << N << " samples, " << K << " taps";
      }
    }
  }
}

TEST_P(Blockwise, FindsPeakAndOversOfEachEarInAllFrames) {
  const Signal source = noise(1234, 1);
  Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  for (float& tap : response.right) tap *= 0.01f;
  RenderReport report;
  const Stereo<Signal> wet = render(source, response, &report);
  ASSERT_TRUE(report.device_levels);
  for (const Side side : kSides) {
    float peak = 0;
    std::int64_t over = 0;
    for (const float sample : wet[side]) {
      peak = std::max(peak, std::abs(sample));
      over += std::abs(sample) > 1 ? 1 : 0;
    }
    EXPECT_EQ((*report.device_levels)[side].peak, peak) << name(side);
    EXPECT_EQ((*report.device_levels)[side].over, over) << name(side);
  }
  EXPECT_GT(report.device_levels->left.over, 100);
  EXPECT_EQ(report.device_levels->right.over, 0);
}

TEST_P(Blockwise, FindsAPeakInTheLastFrameOfTheTail) {
  Signal source(250, 0.01f);
  source.back() = 1;
  Stereo<Signal> response{Signal(320, 0.001f), Signal(320, 0.001f)};
  response.left.back() = 7;
  RenderReport report;
  render(source, response, &report);
  EXPECT_NEAR(report.device_levels->left.peak, 7, 1e-4);
  EXPECT_EQ(report.device_levels->left.over, 1);
}

TEST_P(Blockwise, RendersTwiceWithOnePlan) {
  const Signal source = noise(750, 1);
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 750, 0);
  const Stereo<Signal> first = run(*renderer, source);
  const Stereo<Signal> second = run(*renderer, source);
  EXPECT_EQ(first.left, second.left);
  EXPECT_EQ(first.right, second.right);
}

/// Calls `before(n)` before its n-th call.
template <typename Called>
auto with(std::function<void(int call)> before, Called& called) {
  return [before = std::move(before), &called, call = 0](auto span) mutable {
    before(call++);
    return called(span);
  };
}

TEST_P(Blockwise, GivesTheSameFramesHoweverSlowSourceAndOutputAre) {
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  for (const std::size_t N : {101u, 300u, 950u}) {
    const Signal source = noise(N, 1);
    const auto renderer =
        make_gpu_renderer(GetParam().plan, response, static_cast<std::int64_t>(N), 0);
    const Stereo<Signal> expected = run(*renderer, source);
    for (const int slow : {0, 1}) {
      const auto nap = [&](int which) {
        return [=](int) {
          if (which == slow) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        };
      };
      MemorySource memory(source);
      Frames frames;
      renderer->run(with(nap(0), memory), with(nap(1), frames));
      EXPECT_EQ(frames.wet.left, expected.left) << N << ", " << slow;
      EXPECT_EQ(frames.wet.right, expected.right) << N << ", " << slow;
    }
  }
}

TEST_P(Blockwise, StaysOnTheCallersThreadForOneBlock) {
  const Stereo<Signal> response{noise(350, 2), noise(350, 3)};
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 1000, 0);
  const auto threads_for = [&](std::size_t N) {
    const Signal source = noise(N, 1);
    MemorySource memory(source);
    Frames frames;
    std::set<std::thread::id> readers, writers;
    renderer->run(with([&](int) { readers.insert(std::this_thread::get_id()); }, memory),
                  with([&](int) { writers.insert(std::this_thread::get_id()); }, frames));
    return std::pair(readers, writers);
  };
  const std::set here{std::this_thread::get_id()};
  for (const std::size_t N : {1u, 99u, 100u}) {
    EXPECT_EQ(threads_for(N), std::pair(here, here)) << N;
  }
  const auto [readers, writers] = threads_for(101);
  EXPECT_EQ(readers.size(), 2u) << "the first block is read before it is known that there is more";
  EXPECT_EQ(writers.size(), 2u) << "the tail is written when the threads are gone";
}

TEST_P(Blockwise, ThrowsWhatSourceOrOutputThrowsAndRendersOn) {
  const Signal source = noise(750, 1);
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 750, 0);
  const Stereo<Signal> expected = run(*renderer, source);
  // Calls of the source: block 0, a sample, the rest of block 1, a sample ...; the output gets
  // eight blocks and a tail.
  for (const bool is_source : {true, false}) {
    for (const int failing : {0, 1, 2, 5, is_source ? 14 : 8}) {
      const auto fail = [&](bool may_fail) {
        return [=](int call) {
          if (may_fail && call == failing) throw FileError("file", "is broken");
        };
      };
      MemorySource memory(source);
      Frames frames;
      EXPECT_THROW(renderer->run(with(fail(is_source), memory), with(fail(!is_source), frames)),
                   FileError)
          << is_source << failing;
      const std::size_t seen = frames.wet.left.size();
      ASSERT_LT(seen, expected.left.size());
      EXPECT_TRUE(
          std::equal(frames.wet.left.begin(), frames.wet.left.end(), expected.left.begin()));
      const Stereo<Signal> again = run(*renderer, source);
      EXPECT_EQ(again.left, expected.left);
      EXPECT_EQ(again.right, expected.right);
    }
  }
}

TEST_P(Blockwise, EndsWhenItsThreadHasToStopThoughThePipeSaysNothing) {
  const Signal source = noise(750, 1);
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 750, 0);
  const Pipe pipe;
  std::atomic<bool> stop = false;
  MemorySource memory(source);
  Frames frames;
  const auto silent_after_two_blocks = [&](int call) {
    if (call < 5) return;
    stop = true;
    char byte = 0;
    while (::read(pipe.reading.get(), &byte, 1) < 0) stop_if_interrupted();
  };
  obey(&stop);
  EXPECT_THROW(renderer->run(with(silent_after_two_blocks, memory), std::ref(frames)), Interrupted);
  obey(nullptr);
  EXPECT_EQ(run(*renderer, source).left.size(), 899u);
}

#ifdef GPUCONV_EMULATED

TEST_P(Blockwise, EndsWhenTheGpuFailsThoughThePipeSaysNothing) {
  const Signal source = noise(750, 1);
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 750, 0);
  const Stereo<Signal> expected = run(*renderer, source);
  for (const int blocks : {2, 3}) {
    const Pipe pipe;
    MemorySource memory(source);
    Frames frames;
    std::atomic<bool> is_broken = false;
    const auto silent_after_blocks = [&](int call) {
      if (call < 2 * blocks) return;
      emulation::fail_call(1, cudaErrorLaunchFailure, emulation::Failing::persistent);
      is_broken = true;
      char byte = 0;
      while (::read(pipe.reading.get(), &byte, 1) < 0) stop_if_interrupted();
    };
    // The first block is written until then, so that the next one still needs the GPU.
    const auto wait_for_failure = [&](int) {
      EXPECT_TRUE(eventually([&] { return is_broken.load(); }));
    };
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(renderer->run(with(silent_after_blocks, memory), with(wait_for_failure, frames)),
                 GpuError)
        << blocks;
    EXPECT_LT(seconds_since(start), 10);
    emulation::fail_no_call();
    emulation::recover();
    const Stereo<Signal> again = run(*renderer, source);
    EXPECT_EQ(again.left, expected.left);
    EXPECT_EQ(again.right, expected.right);
  }
}

/// Numbers of all work that `number` had to follow, directly or not.
std::vector<bool> ancestors(int number) {
  const auto& schedule = emulation::schedule();
  std::vector<bool> is_ancestor(schedule.size());
  std::vector<int> open{number};
  while (!open.empty()) {
    const int work = open.back();
    open.pop_back();
    for (const int before : schedule[static_cast<std::size_t>(work)].depends_on) {
      if (is_ancestor[static_cast<std::size_t>(before)]) continue;
      is_ancestor[static_cast<std::size_t>(before)] = true;
      open.push_back(before);
    }
  }
  return is_ancestor;
}

TEST_P(Blockwise, LetsNoDependencyJoinTheEarsBetweenUploadAndEnd) {
  const Signal source = noise(750, 1);
  const Stereo<Signal> response{noise(150, 2), noise(150, 3)};
  const auto plan = GetParam().plan({response.left, response.right}, 750);
  const bool is_per_ear = dynamic_cast<PerEarConvolver*>(plan.get()) != nullptr;
  const auto renderer = make_gpu_renderer(GetParam().plan, response, 750, 0);
  emulation::forget();
  run(*renderer, source);

  // Streams by what happens in them: uploads; kernels of an ear; its downloads.
  std::vector<int> uploading, computing, downloading;
  const auto note = [](std::vector<int>& streams, int stream) {
    if (std::find(streams.begin(), streams.end(), stream) == streams.end()) {
      streams.push_back(stream);
    }
  };
  const auto& schedule = emulation::schedule();
  for (const auto& work : schedule) {
    if (work.work == emulation::Work::upload) note(uploading, work.stream);
  }
  ASSERT_EQ(uploading.size(), 1u);
  for (const auto& work : schedule) {
    if (work.stream == uploading[0]) continue;
    if (work.work == emulation::Work::kernel) note(computing, work.stream);
  }
  if (!is_per_ear) {  // both ears are computed in the same launches, so in one stream
    EXPECT_EQ(computing.size(), 1u);
    return;
  }
  ASSERT_EQ(computing.size(), 2u) << "one stream for each ear";
  const auto kernels = [&](int stream) {
    return std::count_if(schedule.begin(), schedule.end(), [&](const auto& work) {
      return work.stream == stream && work.work == emulation::Work::kernel;
    });
  };
  EXPECT_EQ(kernels(computing[0]), kernels(computing[1])) << "an ear computes in the other's";
  for (const auto& work : schedule) {
    if (work.work == emulation::Work::download && work.stream != computing[0] &&
        work.stream != computing[1]) {
      note(downloading, work.stream);
    }
  }
  ASSERT_EQ(downloading.size(), 2u);

  int compared = 0;
  for (const auto& work : schedule) {
    const bool is_of_an_ear = work.stream != uploading[0];
    if (!is_of_an_ear || work.work == emulation::Work::record) continue;
    const std::vector<bool> before = ancestors(work.number);
    bool follows_first = false;
    bool follows_second = false;
    for (const auto& other : schedule) {
      if (!before[static_cast<std::size_t>(other.number)]) continue;
      follows_first = follows_first || other.stream == computing[0];
      follows_second = follows_second || other.stream == computing[1];
    }
    EXPECT_FALSE(follows_first && follows_second) << "work " << work.number << " joins the ears";
    EXPECT_FALSE(work.stream == computing[0] && follows_second);
    EXPECT_FALSE(work.stream == computing[1] && follows_first);
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

TEST_P(Blockwise, GivesTheSameFramesHoweverTheStreamsMix) {
  // Transforms for this response go through device memory: an ear then works in a buffer of its
  // own.
  const Signal source = noise(300, 1);
  const Stereo<Signal> response{noise(8200, 2), noise(8200, 3)};
  const char* const before = std::getenv("GPUCONV_EMULATED_STREAMS");
  const Stereo<Signal> expected = render(source, response);
  for (int seed = 0; seed < 8; ++seed) {
    emulation::set_streams("random:" + std::to_string(seed));
    const Stereo<Signal> wet = render(source, response);
    EXPECT_EQ(wet.left, expected.left) << seed;
    EXPECT_EQ(wet.right, expected.right) << seed;
  }
  emulation::set_streams(before == nullptr ? "lazy" : before);
}

TEST_P(Blockwise, LeavesNothingAllocated) {
  const std::size_t before = emulation::live_allocations();
  render(noise(750, 1), {noise(150, 2), noise(150, 3)});
  EXPECT_EQ(emulation::live_allocations(), before);
}

TEST_P(Blockwise, NamesRangesByStageAndEar) {
  emulation::forget();
  render(noise(750, 1), {noise(150, 2), noise(150, 3)});
  const auto ranges = emulation::ranges();
  const auto has = [&](const char* name) {
    return std::find(ranges.begin(), ranges.end(), name) != ranges.end();
  };
  for (const char* const name : {"gpuconv/read", "gpuconv/upload", "gpuconv/download left",
                                 "gpuconv/download right", "gpuconv/write"}) {
    EXPECT_TRUE(has(name)) << name;
  }
  // Both ears at once, or each by itself.
  EXPECT_NE(has("gpuconv/convolve"), has("gpuconv/convolve left"));
  EXPECT_EQ(has("gpuconv/convolve left"), has("gpuconv/convolve right"));
}

#endif  // GPUCONV_EMULATED

INSTANTIATE_TEST_SUITE_P(
    , Blockwise,
    ::testing::Values(BlockwiseCase{"gpu_direct", short_blocks<plan_gpu_direct, 100>},
                      BlockwiseCase{"gpu_tiled", short_blocks<plan_gpu_tiled, 100>},
                      BlockwiseCase{"gpu_radix2", short_blocks<plan_gpu_radix2, 100>},
                      BlockwiseCase{"gpu_cufft", short_blocks<plan_gpu_cufft, 100>},
                      BlockwiseCase{"gpu_fourstep", short_blocks<plan_gpu_fourstep, 100>},
                      BlockwiseCase{"gpu_fused", short_blocks<plan_gpu_fused, 100>}),
    [](const auto& parameter) { return parameter.param.name; });

#ifndef GPUCONV_EMULATED

TEST(GpuRenderer, ComputesBothEarsAtOnce) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  // Long enough that the second ear's work is queued while the first ear's is under way.
  const Signal source = noise(400'000, 1);
  const Stereo<Signal> response{noise(40'000, 2), noise(40'000, 3)};
  const auto renderer = make_gpu_renderer(plan_gpu_direct, response, 400'000, 0);
  Frames frames;
  MemorySource memory(source);
  const RenderReport report = renderer->run(std::ref(memory), std::ref(frames));
  const auto stage =
      std::find_if(report.stages.begin(), report.stages.end(),
                   [](const StageTime& one) { return one.stage == "both ears at once"; });
  ASSERT_NE(stage, report.stages.end());
  EXPECT_GT(stage->seconds, 0);
}

#endif

TEST(GpuRenderer, AddsTheCostOfItsMethodInLaunches) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
#ifdef GPUCONV_EMULATED
  const Signal taps = noise(5000, 1);
  const Signal samples = noise(6000, 2);
  for (PlanConvolver* const plan :
       {plan_gpu_direct, plan_gpu_tiled, plan_gpu_radix2, plan_gpu_fourstep, plan_gpu_fused}) {
    const std::unique_ptr<Convolver> convolver = plan({taps, taps}, 6000);
    const Stream stream;
    DeviceBuffer<float> source(6000), source_spectrum(convolver->source_spectrum_size());
    const Stereo<DeviceBuffer<float>> memory{DeviceBuffer<float>(11000),
                                             DeviceBuffer<float>(11000)};
    const Stereo<std::span<float>> wet{memory.left.span().first(10999),
                                       memory.right.span().first(10999)};
    upload_async<float>(samples, source.span(), stream);
    stream.synchronize();
    emulation::forget();
    const Block block{source.span(), source_spectrum.span()};
    convolver->enqueue_both(block, wet, stream);
    stream.synchronize();
    const auto& schedule = emulation::schedule();
    const auto launches = std::count_if(schedule.begin(), schedule.end(), [](const auto& work) {
      return work.work == emulation::Work::kernel;
    });
    EXPECT_EQ(launches, convolver->cost(6000).launches);
  }
#else
  GTEST_SKIP() << "launches are counted in the emulation";
#endif
}

TEST(GpuRenderer, WaitsForTheDeviceOnlyAtTheEndOfAOneShotJob) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
#ifdef GPUCONV_EMULATED
  const Stereo<Signal> response{noise(700, 1), noise(700, 2)};
  for (PlanConvolver* const plan : {plan_gpu_fourstep, plan_gpu_fused}) {
    emulation::forget();
    const auto renderer = make_gpu_renderer(plan, response, 3000, 0);
    run(*renderer, noise(3000, 3));
    const std::vector<std::string> calls = emulation::calls();
    const auto is_wait = [](const std::string& call) {
      return call.find("Synchronize") != std::string::npos;
    };
    const auto wait = std::find_if(calls.begin(), calls.end(), is_wait);
    ASSERT_NE(wait, calls.end());
    // After the first wait nothing of the block is queued any more: only the tail's way out.
    EXPECT_EQ(std::count_if(wait, calls.end(),
                            [](const std::string& call) { return call == "cudaLaunchKernelEx"; }),
              0);
    EXPECT_EQ(std::count_if(calls.begin(), calls.end(), is_wait), 4) << "two ears, twice";
  }
#else
  GTEST_SKIP() << "launches are counted in the emulation";
#endif
}

/// One block's wet signals from one convolver after another.
class BlockOnDevice {
 public:
  BlockOnDevice(const Signal& samples, const Stereo<Signal>& response, int clips)
      : clips_(clips),
        wet_length_(samples.size() / static_cast<std::size_t>(clips) + response.left.size() - 1),
        source_(stored(samples)),
        taps_{stored(response.left), stored(response.right)},
        response_{taps_.left.span().first(response.left.size()),
                  taps_.right.span().first(response.right.size())},
        samples_(samples.size()) {
    for (const Side side : kSides) wet_[side] = DeviceBuffer<float>(wet_size());
  }

  /// With the response that the convolver has, or with this block's.
  Stereo<Signal> wet(Convolver& convolver, bool is_replaced) {
    const Block block{source_.span().first(samples_),
                      {},
                      clips_,
                      is_replaced ? response_ : Stereo<std::span<const float>>{}};
    for (const Side side : kSides) {  // NaN
      GPUCONV_CUDA(
          cudaMemsetAsync(wet_[side].data(), 0xff, wet_[side].span().size_bytes(), stream_.get()));
    }
    convolver.enqueue_both(block, {wet_.left.span(), wet_.right.span()}, stream_);
    Stereo<Signal> host{Signal(wet_size()), Signal(wet_size())};
    for (const Side side : kSides) download_async<float>(wet_[side].span(), host[side], stream_);
    stream_.synchronize();
    for (const Side side : kSides) {
      Signal kept;  // without what fills up clips
      for (std::size_t start = 0; start < wet_size(); start += stored_length(wet_length_)) {
        kept.insert(kept.end(), host[side].begin() + static_cast<std::ptrdiff_t>(start),
                    host[side].begin() + static_cast<std::ptrdiff_t>(start + wet_length_));
      }
      host[side] = kept;
    }
    return host;
  }

 private:
  std::size_t wet_size() const {
    return static_cast<std::size_t>(clips_) * stored_length(wet_length_);
  }
  DeviceBuffer<float> stored(const Signal& signal) {
    Signal padded = signal;
    padded.resize(stored_length(signal.size()));
    DeviceBuffer<float> buffer(padded.size());
    upload_async<float>(padded, buffer.span(), stream_);
    stream_.synchronize();
    return buffer;
  }

  Stream stream_;
  int clips_;
  std::size_t wet_length_;
  DeviceBuffer<float> source_;
  Stereo<DeviceBuffer<float>> taps_;
  Stereo<std::span<const float>> response_;
  std::size_t samples_;
  Stereo<DeviceBuffer<float>> wet_;
};

#ifdef GPUCONV_EMULATED
TEST(GpuFourstep, GivesTheSameBytesWithMoreThreadsOnALargeDevice) {
  // One segment each, with rows of 256, 512 and 1,024 elements.
  for (const auto& [N, K] : {std::pair{40'000, 20'001}, {100'000, 40'001}, {100'000, 100'001}}) {
    SCOPED_TRACE(::testing::Message() << N << " samples, " << K << " taps");
    const auto taps = static_cast<std::size_t>(K);
    const Stereo<Signal> response{noise(taps, 2), noise(taps, 3)};
    BlockOnDevice block(noise(static_cast<std::size_t>(N), 4), response, 1);
    std::vector<Stereo<Signal>> seen;
    std::vector<std::int64_t> threads;
    for (const int multiprocessors : {1, 1000}) {
      emulation::set_multiprocessors(multiprocessors);
      const auto convolver = plan_gpu_fourstep({response.left, response.right}, N);
      emulation::forget();
      seen.push_back(block.wet(*convolver, false));
      threads.push_back(emulation::threads());
      const Stereo<Signal> replaced = block.wet(*convolver, true);
      EXPECT_EQ(replaced.left, seen.back().left);
      EXPECT_EQ(replaced.right, seen.back().right);
    }
    emulation::restore_device();
    EXPECT_GT(threads[1], threads[0]);
    EXPECT_EQ(seen[0].left, seen[1].left);
    EXPECT_EQ(seen[0].right, seen[1].right);
  }
}

TEST(GpuFourstep, GivesTheSameBytesInGroupsOfSegments) {
  // Rows of 64, 256, 512 and 1,024 elements: groups of four, four, four and two, and some left.
  for (const auto& [N, K, clips] :
       {std::tuple{3000, 501, 7}, {9000, 8001, 6}, {100'000, 20'001, 5}, {160'000, 40'001, 3}}) {
    SCOPED_TRACE(::testing::Message() << clips << " x " << N << " samples, " << K << " taps");
    const auto taps = static_cast<std::size_t>(K);
    const Stereo<Signal> response{noise(taps, 2), noise(taps, 3)};
    BlockOnDevice block(noise(static_cast<std::size_t>(clips * N), 4), response, clips);
    std::vector<Stereo<Signal>> seen;
    std::vector<int> launches;
    for (const int multiprocessors : {1, 1000}) {
      emulation::set_multiprocessors(multiprocessors);
      const auto convolver = plan_gpu_fourstep_with({response.left, response.right},
                                                    fourstep_lengths(N, K), std::size_t{64} << 20);
      seen.push_back(block.wet(*convolver, false));
      launches.push_back(convolver->cost(N, clips).launches);
    }
    emulation::restore_device();
    EXPECT_GT(launches[0], launches[1]) << "those left";
    EXPECT_EQ(seen[0].left, seen[1].left);
    EXPECT_EQ(seen[0].right, seen[1].right);
  }
}
#endif

TEST(ReplacingConvolver, TakesAnotherResponseWithABlockAndKeepsIt) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  struct Case {
    PlanConvolver* plan;
    std::size_t N, K;
    int clips;
  };
  // One segment; several of them; several clips of one segment.
  for (const auto& [plan, N, K, clips] :
       {Case{plan_gpu_fourstep, 3000, 501, 1}, Case{plan_gpu_fourstep, 9001, 77, 1},
        Case{plan_gpu_fourstep, 1200, 501, 3}, Case{plan_gpu_fused, 3000, 501, 1},
        Case{plan_gpu_fused, 9001, 77, 1}, Case{plan_gpu_fused, 1200, 501, 3}}) {
    SCOPED_TRACE(::testing::Message() << N << " samples, " << K << " taps, " << clips << " clips");
    const Signal first = noise(K, 1);
    const Stereo<Signal> response{noise(K, 2), noise(K, 3)};
    const auto length = static_cast<std::int64_t>(N);
    BlockOnDevice block(noise(N * static_cast<std::size_t>(clips), 4), response, clips);
    const auto planned = plan({response.left, response.right}, length);
    const Stereo<Signal> expected = block.wet(*planned, false);
    const auto replaced = plan({first, first}, length);
    EXPECT_NE(block.wet(*replaced, false).right, expected.right);
    for (const bool is_replaced : {true, false}) {
      const Stereo<Signal> wet = block.wet(*replaced, is_replaced);
      EXPECT_EQ(wet.left, expected.left);
      EXPECT_EQ(wet.right, expected.right);
    }
    BlockOnDevice other_length(noise(N, 4), {noise(K - 1, 2), noise(K - 1, 3)}, 1);
    EXPECT_THROW(other_length.wet(*replaced, true), std::invalid_argument);
  }
}

#ifdef GPUCONV_EMULATED

TEST(GpuTiled, DoesTheSameWithShorterTilesOnALargeDeviceAndCountsThem) {
  // Either longer, ends on and next to the edges of chunks (512) and tiles (2048 or 1024).
  for (const auto& [N, K] : {std::pair{6000, 5000},
                             {300, 5000},
                             {5000, 300},
                             {2048, 1024},
                             {2049, 1025},
                             {2047, 4097},
                             {1, 1}}) {
    SCOPED_TRACE(::testing::Message() << N << " samples, " << K << " taps");
    const Signal taps = noise(static_cast<std::size_t>(K), 1);
    const Signal samples = noise(static_cast<std::size_t>(N), 2);
    std::vector<Signal> seen;
    for (const auto& [multiprocessors, tile] : {std::pair{1, 2048}, {132, 1024}}) {
      emulation::set_multiprocessors(multiprocessors);
      const auto convolver = plan_gpu_tiled({taps, taps}, N);
      const Stream stream;
      Signal host(static_cast<std::size_t>(N + K - 1));
      DeviceBuffer<float> source(static_cast<std::size_t>(N)), wet(host.size());
      upload_async<float>(samples, source.span(), stream);
      stream.synchronize();
      emulation::forget();
      convolver->enqueue_both({source.span(), {}}, {wet.span(), wet.span()}, stream);
      download_async<float>(wet.span(), host, stream);
      stream.synchronize();
      seen.push_back(host);
      // Two barriers for each chunk of 512 taps and a tile of outputs; a block for two tiles.
      const int used = N == 1 ? 2048 : tile;  // one block keeps as few busy as another
      EXPECT_EQ(static_cast<double>(emulation::barriers()),
                2 * convolver->cost(N).operations / (2 * 512 * used));
      EXPECT_EQ(emulation::threads(), 2 * 128 * ((std::max(N, K) + used - 1) / used));
    }
    emulation::restore_device();
    EXPECT_EQ(seen[0], seen[1]);
  }
}

TEST(Cost, OfAShortSegmentIsAThreadForTwoElements) {
  constexpr int N = 300, K = 100;
  const SegmentLengths lengths = radix2_lengths(N, K);
  const int elements = lengths.segment_samples / 2;
  ASSERT_LT(elements / 2, 512) << "fewer than the most threads of a block";
  const Signal taps = noise(K, 1);
  const auto convolver = plan_gpu_radix2({taps, taps}, N);
  const Stream stream;
  DeviceBuffer<float> source(N), source_spectrum(convolver->source_spectrum_size());
  const Signal samples = noise(N, 2);
  upload_async<float>(samples, source.span(), stream);
  stream.synchronize();
  emulation::forget();
  dynamic_cast<PerEarConvolver&>(*convolver)
      .enqueue_source_spectrum({source.span(), source_spectrum.span()}, stream);
  stream.synchronize();
  EXPECT_EQ(emulation::threads(), lengths.segments(N, K) * elements / 2);
}

#endif  // GPUCONV_EMULATED

TEST(LevelMeter, CountsWhatIsAboveFullScaleAndNothingElse) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  const Signal wet{0.5f, 1, -1, std::nextafter(1.0f, 2.0f), 0, -std::nextafter(1.0f, 2.0f), -0.5f};
  const Stream stream;
  LevelMeter meter(wet.size());
  DeviceBuffer<float> samples(wet.size());
  DeviceBuffer<BlockLevel> level(1);
  std::vector<BlockLevel> seen(1);
  upload_async<float>(wet, samples.span(), stream);
  meter.enqueue(samples.span(), level.data(), stream);
  download_async<BlockLevel>(level.span(), seen, stream);
  stream.synchronize();
  EXPECT_EQ(seen[0].peak, std::nextafter(1.0f, 2.0f));
  EXPECT_EQ(seen[0].over, 2);
}

void expect_chunks_that_fill_half_the_cache() {
  constexpr int K = 100;
  const SegmentLengths lengths = fourstep_lengths(kEndless, K);
  const Signal taps = noise(K, 1);
  constexpr int kClips = 8;
  const int segments = kClips * lengths.segments(lengths.block_length, K);
  const auto segment_bytes =
      2 * sizeof(float2) * static_cast<std::size_t>(lengths.segment_samples / 2);
  const std::size_t most_bytes = std::min(l2_cache_bytes() / 2, std::size_t{64} << 20);
  const int chunk = static_cast<int>(most_bytes / segment_bytes);
  ASSERT_GT(chunk, 1);
  const Cost cost = plan_gpu_fourstep({taps, taps}, kEndless)->cost(lengths.block_length, kClips);
  ASSERT_GT(segments, chunk);
  EXPECT_EQ(cost.launches, 3 * ((segments + chunk - 1) / chunk));
}

TEST(Cost, OfFourstepCountsChunksThatFillHalfTheCache) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  expect_chunks_that_fill_half_the_cache();
}

#ifdef GPUCONV_EMULATED

TEST(Cost, OfFourstepCountsNoChunksBeyond64MiB) {
  emulation::set_l2_cache_bytes(std::size_t{512} << 20);
  expect_chunks_that_fill_half_the_cache();
  emulation::restore_device();
}

#endif  // GPUCONV_EMULATED

TEST(Cost, IsAsCountedByHand) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  const Signal taps = noise(5000, 1);
  const Stereo<std::span<const float>> response{taps, taps};
  // Two ears, 6000 * 5000 products each, which read two floats; every output written once.
  const Cost direct = plan_gpu_direct(response, 6000)->cost(6000);
  EXPECT_EQ(direct.operations, 2 * 2 * 6000.0 * 5000);
  EXPECT_EQ(direct.device_bytes, 2 * (8 * 6000.0 * 5000 + 4 * 10999));
  EXPECT_EQ(direct.launches, 2);
  // Tiles of 2048 outputs from 0, 2048 ... 10240. Taps that meet samples: [0, 2048), [0, 4096),
  // [0, 5000), [145, 5000), [2193, 5000), [4241, 5000); in chunks of 512: 4, 8, 10, 10, 6, 2.
  const Cost tiled = plan_gpu_tiled(response, 6000)->cost(6000);
  EXPECT_EQ(tiled.operations, 2 * 2 * 40.0 * 512 * 2048);
  EXPECT_EQ(tiled.device_bytes, 2 * 4 * (40.0 * (2048 + 512 + 512) + 10999));
  EXPECT_EQ(tiled.launches, 2);
  // One segment of 2M = 16384: 13 stages of 4096 butterflies, three transforms; fold 6 M; for each
  // ear product 6 M, unfold 6 M, scale 2 M.
  const Cost radix2 = plan_gpu_radix2(response, 6000)->cost(6000);
  EXPECT_EQ(radix2.operations, 3 * 10.0 * 13 * 4096 + (6 + 2 * 14) * 8192.0);
  EXPECT_EQ(radix2.launches, 3 * 2);
  // One segment of 2M = 16384 >= 10999, whose three transforms take 5 M log2(M) and a turn of 6 M
  // each; for each ear product 6 M. Between columns and rows 12 M for each transform.
  const double M = 8192;
  const Cost fused = plan_gpu_fused(response, 6000)->cost(6000);
  EXPECT_EQ(fused.operations, 3 * (5 * 13 + 6) * M + 2 * 6 * M);
  EXPECT_EQ(fused.device_bytes, 8 * (1 + 2) * M + 2 * 4 * 10999);  // samples, two spectra
  EXPECT_EQ(fused.launches, 1);
  const Cost fourstep = plan_gpu_fourstep(response, 6000)->cost(6000);
  EXPECT_EQ(fourstep.operations, 3 * (5 * 13 + 6 + 12) * M + 2 * 6 * M);
  // Samples; between the passes one side out and in, two out and in; two spectra.
  EXPECT_EQ(fourstep.device_bytes, 8 * (1 + 2 + 4 + 2) * M + 2 * 4 * 10999);
  EXPECT_EQ(fourstep.launches, 3);
  if (!why_no_cufft().empty()) GTEST_SKIP() << why_no_cufft();
  // Length 10240 = N + K - 1: three real transforms of 2.5 L log2 L, for each ear 5121 products of
  // 6 and their scaling. Pad reads the source; each transform reads and writes L floats; a product
  // reads two spectra and writes one; a crop reads and writes the wet signal.
  const Cost cufft = plan_gpu_cufft(response, 5241)->cost(5241);
  EXPECT_EQ(cufft.operations, 3 * 2.5 * 10240 * std::log2(10240.0) + 2 * 8 * 5121.0);
  EXPECT_EQ(cufft.device_bytes, 4.0 * (5241 + 10240 + 3 * 2 * 10240 + 2 * (3 + 2) * 10240));
  EXPECT_EQ(cufft.launches, 3);
}

}  // namespace
}  // namespace gpuconv::test
