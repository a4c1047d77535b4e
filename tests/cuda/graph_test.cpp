// graph_test.cpp - a captured convolver gives what it gives when enqueued
#include "cuda/runtime/graph.hpp"

#include <gtest/gtest.h>

#include "cuda/methods/convolver.hpp"
#include "cuda/runtime/device.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

struct Method {
  const char* name;
  PlanConvolver* plan;
};

class GraphOf : public ::testing::TestWithParam<Method> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }
};

/// Both ears of one block, the right one in a stream of its own.
struct BothEars {
  BothEars(PlanConvolver* plan, const Stereo<Signal>& response, std::size_t N)
      : convolver(plan({response.left, response.right}, static_cast<std::int64_t>(N))),
        source_length(N),
        wet_length(N + response.left.size() - 1),
        source(stored_length(N)),
        source_spectrum(convolver->source_spectrum_size()) {
    convolver->finish_plan();
    for (const Side side : kSides) {
      memory[side] = DeviceBuffer<float>(stored_length(wet_length));
      wet[side] = memory[side].span().first(wet_length);
    }
  }

  void enqueue() {
    const Block block{source.span().first(source_length), source_spectrum.span()};
    auto* const per_ear = dynamic_cast<PerEarConvolver*>(convolver.get());
    if (per_ear == nullptr) {
      convolver->enqueue_both(block, wet, stream);
      return;
    }
    per_ear->enqueue_source_spectrum(block, stream);
    is_transformed.record(stream);
    wait(right, is_transformed);
    per_ear->enqueue(Side::left, block, wet.left, stream);
    per_ear->enqueue(Side::right, block, wet.right, right);
    is_right_done.record(right);
    wait(stream, is_right_done);
  }

  void put(const Signal& samples) { upload_async<float>(samples, source.span(), stream); }

  Stereo<Signal> get() {
    Stereo<Signal> host;
    for (const Side side : kSides) {
      host[side].resize(wet_length);
      download_async<float>(wet[side], host[side], stream);
    }
    stream.synchronize();
    return host;
  }

  Stream stream, right;
  Event is_transformed, is_right_done;
  std::unique_ptr<Convolver> convolver;
  std::size_t source_length, wet_length;
  DeviceBuffer<float> source, source_spectrum;
  Stereo<DeviceBuffer<float>> memory;
  Stereo<std::span<float>> wet;  // without the padding
};

TEST_P(GraphOf, BothEarsGivesTheBytesOfEnqueueing) {
  constexpr std::size_t kSource = 700;
  const Stereo<Signal> response{noise(300, 1), noise(300, 2)};
  BothEars enqueued(GetParam().plan, response, kSource);
  BothEars captured(GetParam().plan, response, kSource);
  const Graph graph(captured.stream, [&] { captured.enqueue(); });
  for (const unsigned seed : {3u, 4u, 5u}) {
    const Signal source = noise(kSource, seed);
    enqueued.put(source);
    enqueued.enqueue();
    captured.put(source);
    graph.launch(captured.stream);
    const Stereo<Signal> expected = enqueued.get();
    const Stereo<Signal> seen = captured.get();
    for (const Side side : kSides) {
      ASSERT_EQ(seen[side], expected[side]) << name(side) << ", source " << seed;
    }
  }
}

TEST_P(GraphOf, WorkThatThrowsLeavesTheStreamUsable) {
  const Stereo<Signal> response{noise(30, 1), noise(30, 2)};
  BothEars ears(GetParam().plan, response, 70);
  EXPECT_THROW(Graph(ears.stream,
                     [&] {
                       ears.enqueue();
                       throw std::runtime_error("of the caller");
                     }),
               std::runtime_error);
  EXPECT_THROW(Graph(ears.stream, [&] { DeviceBuffer<float> forbidden(1); }), CudaError);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  const Signal source = noise(70, 3);
  ears.put(source);
  ears.enqueue();
  const Stereo<Signal> expected = ears.get();
  const Graph graph(ears.stream, [&] { ears.enqueue(); });
  graph.launch(ears.stream);
  EXPECT_EQ(ears.get().right, expected.right);
}

/// They read and write by pairs and by fours.
TEST(SegmentConvolvers, RefuseMemoryThatIsNotAligned) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  const Stereo<Signal> response{noise(30, 1), noise(30, 2)};
  for (PlanConvolver* const plan : {plan_gpu_fourstep, plan_gpu_fused}) {
    BothEars ears(plan, response, 72);
    const auto enqueue = [&](std::size_t first, std::size_t first_right, int clips) {
      const Block block{ears.source.span().subspan(first, 68), {}, clips};
      const Stereo<std::span<float>> wet{ears.wet.left, ears.wet.right.subspan(first_right)};
      ears.convolver->enqueue_both(block, wet, ears.stream);
    };
    EXPECT_THROW(enqueue(1, 0, 1), std::invalid_argument) << "source";
    EXPECT_THROW(enqueue(0, 2, 1), std::invalid_argument) << "right ear";
    EXPECT_THROW(enqueue(0, 0, 2), std::invalid_argument) << "a clip of 34 samples";
    EXPECT_NO_THROW(enqueue(4, 0, 1));
    ears.stream.synchronize();
  }
}

INSTANTIATE_TEST_SUITE_P(, GraphOf,
                         ::testing::Values(Method{"gpu_direct", plan_gpu_direct},
                                           Method{"gpu_tiled", plan_gpu_tiled},
                                           Method{"gpu_radix2", plan_gpu_radix2},
                                           Method{"gpu_fourstep", plan_gpu_fourstep},
                                           Method{"gpu_fused", plan_gpu_fused}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpuconv::test
