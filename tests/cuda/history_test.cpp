// history_test.cpp - blocks of a source that goes on, by convolvers with history
//
// The segments of such blocks stand where those of one long block would, so bytes must be the same:
// with gpu-radix2 only if K - 1 is a multiple of four. Otherwise its blocks are a few samples short
// of whole segments, so that the next one starts aligned.
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/resources.hpp"
#include "host/api/device_convolver.hpp"
#include "host/base/error.hpp"
#include "host/bench/device_clock.hpp"
#include "host/render/gpu_renderer.hpp"
#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

using PlanWith = std::unique_ptr<Convolver>(Stereo<std::span<const float>> response,
                                            const SegmentLengths& lengths);

/// Blocks of two segments: short ones for a test.
SegmentLengths lengths_in_blocks(PlanWith* plan, int segment_samples, std::size_t taps) {
  const auto K = static_cast<int>(taps);
  const int overlap = plan == plan_gpu_radix2_with ? K - 1 : (K + 2) / 4 * 4;
  return stream_lengths(segment_samples, overlap, 2);
}

template <PlanWith* plan, int kSegmentSamples>
std::unique_ptr<Convolver> in_blocks(Stereo<std::span<const float>> response, std::int64_t) {
  return plan(response, lengths_in_blocks(plan, kSegmentSamples, response.left.size()));
}

/// The same segments in one block, however long the source is.
template <PlanWith* plan, int kSegmentSamples>
std::unique_ptr<Convolver> in_one_block(Stereo<std::span<const float>> response,
                                        std::int64_t source_length) {
  const auto K = static_cast<int>(response.left.size());
  SegmentLengths lengths = lengths_in_blocks(plan, kSegmentSamples, response.left.size());
  lengths.block_length = static_cast<int>(source_length);
  lengths.history = 0;
  lengths.transforms = lengths.segments(lengths.block_length, K);
  return plan(response, lengths);
}

std::unique_ptr<Convolver> plan_fourstep_with(Stereo<std::span<const float>> response,
                                              const SegmentLengths& lengths) {
  return plan_gpu_fourstep_with(response, lengths, std::size_t{1} << 20);
}

struct HistoryCase {
  const char* method;
  PlanWith* plan;
  int segment_samples;
  std::vector<std::size_t> taps;
  PlanConvolver* in_blocks;
  PlanConvolver* in_one_block;
};

template <PlanWith* plan, int kSegmentSamples>
HistoryCase history_case(const char* method, std::vector<std::size_t> taps) {
  return {method,
          plan,
          kSegmentSamples,
          std::move(taps),
          in_blocks<plan, kSegmentSamples>,
          in_one_block<plan, kSegmentSamples>};
}

class BlockwiseHistory : public ::testing::TestWithParam<HistoryCase> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
    device_ = devices.list.front();
  }

  static std::size_t block_length(std::size_t K) {
    return static_cast<std::size_t>(
        lengths_in_blocks(GetParam().plan, GetParam().segment_samples, K).block_length);
  }

  static Stereo<Signal> render(PlanConvolver* plan, const Signal& source,
                               const Stereo<Signal>& response) {
    return run(*make_gpu_renderer(plan, response, std::ssize(source), 0), source);
  }

  static Stereo<Signal> response_of(std::size_t K) { return {noise(K, 2), noise(K, 3)}; }

  Device device_;
};

TEST_P(BlockwiseHistory, GivesTheBytesOfOneBlockForAnyNumberOfBlocks) {
  for (const std::size_t K : GetParam().taps) {
    const Stereo<Signal> response = response_of(K);
    const std::size_t B = block_length(K);
    // A full one is known to be the last only when nothing comes after it.
    for (const std::size_t N : {std::size_t{1}, B - 1, B, B + 1, 2 * B, 2 * B + 5, 5 * B - 3}) {
      SCOPED_TRACE(::testing::Message() << N << " samples, " << K << " taps");
      const Signal source = noise(N, 1);
      const Stereo<Signal> expected = render(GetParam().in_one_block, source, response);
      const Stereo<Signal> wet = render(GetParam().in_blocks, source, response);
      const ErrorBound bound = error_bound(find_method(GetParam().method), std::ssize(source),
                                           static_cast<std::int64_t>(K));
      for (const Side side : kSides) {
        ASSERT_TRUE(is_close(wet[side], reference(source, response[side]), bound, false));
        if (GetParam().plan != plan_gpu_radix2_with || K % 4 == 1) {
          EXPECT_EQ(wet[side], expected[side]);
        }
      }
    }
  }
}

TEST_P(BlockwiseHistory, KeepsASilentSideSilent) {
  const std::size_t K = GetParam().taps.back();
  const Stereo<Signal> response{Signal(K), noise(K, 3)};
  const Signal source = noise(3 * block_length(K), 1);
  EXPECT_EQ(render(GetParam().in_blocks, source, response).left, Signal(source.size() + K - 1));
}

TEST_P(BlockwiseHistory, RendersAgainAfterAFailureAndASecondTime) {
  const std::size_t K = GetParam().taps.back();
  const Stereo<Signal> response = response_of(K);
  const Signal source = noise(3 * block_length(K) + 7, 1);
  const Stereo<Signal> expected = render(GetParam().in_one_block, source, response);
  const auto renderer = make_gpu_renderer(GetParam().in_blocks, response, std::ssize(source), 0);
  MemorySource memory(source);
  EXPECT_THROW(
      renderer->run(std::ref(memory), [](const auto&) { throw FileError("file", "is broken"); }),
      FileError);
  for (int i = 0; i < 2; ++i) {
    const Stereo<Signal> wet = run(*renderer, source);
    EXPECT_EQ(wet.left, expected.left);
    EXPECT_EQ(wet.right, expected.right);
  }
}

#ifdef GPUCONV_EMULATED
TEST_P(BlockwiseHistory, NeedsNoMemoryForASecondBlock) {
  const std::size_t K = GetParam().taps.back();
  const Stereo<Signal> response = response_of(K);
  const std::size_t B = block_length(K);
  for (const std::size_t N : {3 * B, 3 * B + 7}) {
    const Signal source = noise(N, 1);
    const Stereo<Signal> expected = render(GetParam().in_one_block, source, response);
    const auto renderer = make_gpu_renderer(GetParam().in_blocks, response, std::ssize(source), 0);
    const Signal one_block(source.begin(), source.begin() + 1);
    run(*renderer, one_block);  // takes memory for one block
    limit_device_memory(0);
    const Stereo<Signal> wet = run(*renderer, source);
    limit_device_memory(std::numeric_limits<std::size_t>::max());
    EXPECT_EQ(wet.left, expected.left);
    EXPECT_EQ(wet.right, expected.right);
  }
}
#endif

TEST_P(BlockwiseHistory, GivesTheSameBytesForSignalsOnTheDevice) {
  const std::size_t K = GetParam().taps.back();
  const Stereo<Signal> response = response_of(K);
  const std::size_t B = block_length(K);
  const auto on_device =
      make_device_convolver(GetParam().in_blocks, response, std::ssize(response.left), 0);
  const Stream stream;
  for (const std::size_t N : {B, 2 * B, 2 * B + 5}) {
    SCOPED_TRACE(N);
    const Signal source = noise(N, 1);
    const Stereo<Signal> expected = render(GetParam().in_one_block, source, response);
    DeviceBuffer<float> samples(N);
    upload_async<float>(source, samples.span(), stream);
    const Stereo<DeviceBuffer<float>> frames{DeviceBuffer<float>(N + K - 1),
                                             DeviceBuffer<float>(N + K - 1)};
    on_device->enqueue(samples.span(), {frames.left.span(), frames.right.span()}, stream.get());
    for (const Side side : kSides) {
      Signal wet(N + K - 1);
      download_async<float>(frames[side].span(), wet, stream);
      stream.synchronize();
      EXPECT_EQ(wet, expected[side]);
    }
  }
}

TEST_P(BlockwiseHistory, IsTimedAsItIsRendered) {
  const std::size_t K = GetParam().taps.back();
  gpuconv::Method method = find_method(GetParam().method);
  method.plan = GetParam().in_blocks;
  const std::size_t B = block_length(K);
  // B - 1 samples are one block, and B are one that is full, and one with the tail.
  for (const std::size_t N : {B - 1, B, 2 * B, 2 * B + 5}) {
    SCOPED_TRACE(N);
    const Problem problem{"p", static_cast<std::int64_t>(N), static_cast<std::int64_t>(K)};
    const Sounds sounds(problem);
    const auto plan = plan_on_gpu(method, problem, sounds, device_, RunKind::launches);
    const Stereo<Signal> expected = render(GetParam().in_one_block, sounds.source, sounds.response);
    const Stereo<Signal> wet = plan->wet();
    EXPECT_EQ(wet.left, expected.left);
    EXPECT_EQ(wet.right, expected.right);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , BlockwiseHistory,
    ::testing::Values(history_case<plan_gpu_radix2_with, 256>("gpu-radix2", {1, 2, 64, 129}),
                      history_case<plan_fourstep_with, 8192>("gpu-fourstep", {2, 3001}),
                      history_case<plan_gpu_fused_with, 1024>("gpu-fused", {2, 5, 301, 508})),
    [](const auto& parameter) {
      std::string name(parameter.param.method);
      name[name.find('-')] = '_';
      return name;
    });

}  // namespace
}  // namespace gpuconv::test
