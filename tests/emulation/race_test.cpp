// race_test.cpp - what the race shadow reports, and what it lets pass (GPUCONV_RACE_SHADOW only)
#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Race : public EmulationFixture {
 protected:
  std::string fault_of(void (*kernel)(float*), unsigned blocks, unsigned threads,
                       std::size_t shared_bytes = 0) {
    const DeviceBuffer<float> out(1024);
    launch(kernel, {blocks, threads, shared_bytes}, stream_, out.data());
    return fault();
  }
};

void racy_kernel(float* out) {
  BlockShared shared;
  float* const sum = shared.take<float>(4);
  sum[0] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = 1;
}

TEST_F(Race, ReportsTwoThreadsWritingOneSharedWord) {
  const std::string sentence = fault_of(racy_kernel, 1, 2, 16);
  EXPECT_NE(sentence.find("race: thread (0,0,0) of block (0,0,0) writes at "), std::string::npos);
  EXPECT_NE(sentence.find("thread (1,0,0) of block (0,0,0) writes at "), std::string::npos);
  EXPECT_NE(sentence.find("word 0 of 16 bytes of shared memory"), std::string::npos);
}

/// Reverses through shared memory; `has_barrier` where one has to be.
template <bool has_barrier, bool is_of_warp>
void reverse_kernel(float* out) {
  BlockShared shared;
  float* const values = shared.take<float>(64);
  const unsigned last = blockDim.x - 1;
  for (int pass = 0; pass < 3; ++pass) {
    values[threadIdx.x] = static_cast<float>(threadIdx.x);
    if constexpr (is_of_warp) {
      __syncwarp();
    } else {
      __syncthreads();
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = values[last - threadIdx.x];
    if constexpr (has_barrier) {
      if constexpr (is_of_warp) {
        __syncwarp();
      } else {
        __syncthreads();
      }
    }
  }
}

TEST_F(Race, ReportsAMissingBarrierInEveryOrder) {
  for (const char* const order : {"forward", "reverse", "random:1", "warp:1"}) {
    emulation::set_order(order);
    EXPECT_EQ(fault_of(reverse_kernel<true, false>, 4, 64, 256), "") << order;
    EXPECT_NE(fault_of(reverse_kernel<false, false>, 4, 64, 256).find("race: "), std::string::npos)
        << order;
    emulation::recover();
  }
}

TEST_F(Race, AcceptsABarrierOfTheWarpWithinOneWarpOnly) {
  EXPECT_EQ(fault_of(reverse_kernel<true, true>, 4, 32, 256), "");
  EXPECT_NE(fault_of(reverse_kernel<false, true>, 4, 32, 256).find("race: "), std::string::npos);
  emulation::recover();
  EXPECT_NE(fault_of(reverse_kernel<true, true>, 4, 64, 256).find("race: "), std::string::npos);
}

/// The lower half of the warp meets; lane 5 reads what `writer` wrote.
template <unsigned writer>
void half_kernel(float* out) {
  if (threadIdx.x == writer) out[0] = 1;
  if (threadIdx.x < 16) __syncwarp(0xffffu);
  if (threadIdx.x == 5) out[1] = out[0];
}

TEST_F(Race, FollowsTheMaskOfAWarpsBarrier) {
  EXPECT_EQ(fault_of(half_kernel<3>, 1, 32), "");
  EXPECT_NE(fault_of(half_kernel<20>, 1, 32).find("race: "), std::string::npos);
}

void across_blocks_kernel(float* out) { out[threadIdx.x] = static_cast<float>(blockIdx.x); }
void read_across_blocks_kernel(float* out) {
  if (blockIdx.x == 1 && threadIdx.x == 0) out[0] = 1;
  if (blockIdx.x != 1) out[32 + 32 * blockIdx.x + threadIdx.x] = out[0];
}

TEST_F(Race, ReportsTwoBlocksOfOneLaunchAtOneWord) {
  EXPECT_NE(fault_of(across_blocks_kernel, 2, 32).find("of block (1,0,0) writes at "),
            std::string::npos);
  emulation::recover();
  for (const char* const order : {"forward", "reverse"}) {
    emulation::set_order(order);
    EXPECT_NE(fault_of(read_across_blocks_kernel, 3, 32).find("race: "), std::string::npos);
    emulation::recover();
  }
}

TEST_F(Race, AcceptsTwoLaunchesInOneStream) {
  const DeviceBuffer<float> out(1024);
  for (int i = 0; i < 3; ++i)
    launch(reverse_kernel<true, false>, {4, 64, 256}, stream_, out.data());
  EXPECT_EQ(fault(), "");
}

}  // namespace
}  // namespace gpuconv::test
