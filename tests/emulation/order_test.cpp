// order_test.cpp - every order of threads, blocks and streams happens, and finds what it is for
#include <algorithm>

#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Orders : public EmulationFixture {};

std::vector<unsigned> seen;
void note_kernel() {
  seen.push_back(blockIdx.x * blockDim.x + threadIdx.x);
  __syncthreads();
  seen.push_back(1000 + threadIdx.x);
}

std::vector<unsigned> order_of(const std::string& order, unsigned blocks, unsigned threads,
                               const Stream& stream) {
  emulation::set_order(order);
  seen.clear();
  launch(note_kernel, {blocks, threads}, stream);
  stream.synchronize();
  return seen;
}

TEST_F(Orders, RunForwardAndBackward) {
  EXPECT_EQ(order_of("forward", 1, 3, stream_), (std::vector<unsigned>{0, 1, 2, 1000, 1001, 1002}));
  EXPECT_EQ(order_of("reverse", 1, 3, stream_), (std::vector<unsigned>{2, 1, 0, 1002, 1001, 1000}));
  EXPECT_EQ(order_of("reverse", 2, 1, stream_), (std::vector<unsigned>{1, 1000, 0, 1000}));
}

TEST_F(Orders, AtRandomRepeatWithTheirSeed) {
  const std::vector<unsigned> first = order_of("random:1", 4, 64, stream_);
  EXPECT_EQ(order_of("random:1", 4, 64, stream_), first);
  EXPECT_NE(order_of("random:2", 4, 64, stream_), first);
}

TEST_F(Orders, ByWarpKeepWarpsTogether) {
  const std::vector<unsigned> all = order_of("warp:3", 1, 256, stream_);
  EXPECT_FALSE(std::is_sorted(all.begin(), all.begin() + 256));
  for (std::size_t warp = 0; warp < 8; ++warp) {
    for (std::size_t i = 1; i < 32; ++i) EXPECT_EQ(all[32 * warp + i], all[32 * warp] + i);
  }
}

/// Reverses 64 values through shared memory, with a barrier of the warp where it takes the block's.
void warp_barrier_kernel(float* out) {
  BlockShared shared;
  float* const values = shared.take<float>(64);
  values[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncwarp();
  out[threadIdx.x] = values[63 - threadIdx.x];
}

TEST_F(Orders, ByWarpShowABarrierOfTooFewThreads) {
#if defined(GPUCONV_RACE_SHADOW)
  GTEST_SKIP() << "race_test.cpp finds it in any order";
#endif
  DeviceBuffer<float> out(64);
  std::vector<float> expected(64);
  for (std::size_t i = 0; i < 64; ++i) expected[i] = static_cast<float>(63 - i);
  emulation::set_order("forward");
  launch(warp_barrier_kernel, {1, 64, 256}, stream_, out.data());
  EXPECT_EQ(download(out), expected) << "side by side it goes well";
  emulation::set_order("warp");
  launch(warp_barrier_kernel, {1, 64, 256}, stream_, out.data());
  EXPECT_NE(download(out), expected);
}

TEST_F(Orders, RefuseWhatTheyDoNotKnow) {
  for (const char* const text : {"", "sideways", "random", "reverse:1"}) {
    EXPECT_THROW(emulation::set_order(text), std::invalid_argument) << text;
  }
  EXPECT_THROW(emulation::set_streams("soon"), std::invalid_argument);
}

void put_own_kernel(float* out, float value) { out[threadIdx.x] = value; }

class OrdersOfStreams : public EmulationFixture {
 protected:
  /// What arrives if a kernel follows another one in a second stream, with or without an event.
  float second_value(bool has_event) {
    const Stream other;
    Event event;
    DeviceBuffer<float> out(1);
    launch(put_own_kernel, {1, 1}, other, out.data(), 1.0f);
    event.record(other);
    if (has_event) wait(stream_, event);
    launch(put_own_kernel, {1, 1}, stream_, out.data(), 2.0f);
    stream_.synchronize();
    other.synchronize();
    return download(out)[0];
  }
};

TEST_F(OrdersOfStreams, DoWorkEagerlyWhereAsked) {
  emulation::set_streams("eager");
  emulation::forget();
  DeviceBuffer<float> out(1);
  launch(put_own_kernel, {1, 1}, stream_, out.data(), 1.0f);
  EXPECT_EQ(emulation::schedule().size(), 1u);
}

TEST_F(OrdersOfStreams, MixAtRandomAndShowAForgottenEvent) {
  bool has_differed = false;
  for (int seed = 0; seed < 20; ++seed) {
    emulation::set_streams("random:" + std::to_string(seed));
    EXPECT_EQ(second_value(true), 2.0f) << seed;
    const float without = second_value(false);
    has_differed = has_differed || without != 2.0f;
  }
  EXPECT_TRUE(has_differed);
}

}  // namespace
}  // namespace gpuconv::test
