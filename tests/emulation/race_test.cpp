// race_test.cpp - what the race shadow reports, and what it lets pass (GPUCONV_RACE_SHADOW only)
#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Race : public EmulationFixture {
 protected:
  std::string fault_of(void (*kernel)(float*), unsigned blocks, unsigned threads,
                       std::size_t shared_bytes = 0) {
    const DeviceBuffer<float> out(1024);
    GPUCONV_CUDA(cudaMemsetAsync(out.data(), 0, 1024 * sizeof(float), stream_.get()));
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

/// All threads count; and thread `reader` reads the count, without or behind a barrier.
template <unsigned reader, bool has_barrier>
void count_kernel(float* out) {
  unsigned* const count = reinterpret_cast<unsigned*>(out);
  atomicAdd(count, 1u);
  if constexpr (has_barrier) __syncthreads();
  if (threadIdx.x == reader) out[1 + blockIdx.x] = static_cast<float>(*count);
}
template <bool is_in_the_middle>
void write_counted_kernel(float* out) {
  unsigned* const count = reinterpret_cast<unsigned*>(out);
  if (threadIdx.x != 3) atomicAdd(count, 1u);
  if (threadIdx.x == (is_in_the_middle ? 3 : 0)) *count = 7;
}

TEST_F(Race, AcceptsAtomicsAmongThemselvesOnly) {
  for (const char* const order : {"forward", "reverse", "warp:1"}) {
    emulation::set_order(order);
    EXPECT_EQ(fault_of(count_kernel<99, false>, 3, 64), "") << order;
    EXPECT_EQ(fault_of(count_kernel<5, true>, 1, 64), "") << order;
    for (const auto kernel :
         {count_kernel<5, false>, count_kernel<0, false>, count_kernel<63, false>,
          write_counted_kernel<true>, write_counted_kernel<false>}) {
      EXPECT_NE(fault_of(kernel, 1, 64).find(" has an atomic at "), std::string::npos) << order;
      emulation::recover();
    }
    EXPECT_NE(fault_of(count_kernel<5, true>, 2, 64).find("race: "), std::string::npos)
        << "what another block counts";
    emulation::recover();
  }
}

/// Of `count` values of shared memory writes all but the last one. What thread 0 finds there, NaN
/// or what the block before left, is swallowed by a comparison.
void largest_kernel(float* out) {
  BlockShared shared;
  float* const values = shared.take<float>(64);
  if (threadIdx.x != 63) values[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncthreads();  // the values are there
  if (threadIdx.x != 0) return;
  float largest = 0;
  for (int i = 0; i < 64; ++i) largest = values[i] > largest ? values[i] : largest;
  out[blockIdx.x] = largest;
}

/// Block 0 writes what block 1 does not.
void left_over_kernel(float* out) {
  BlockShared shared;
  float* const value = shared.take<float>(1);
  if (blockIdx.x == 0) *value = 1;
  out[blockIdx.x] = *value;
}

TEST_F(Race, ReportsSharedMemoryThatNobodyInTheBlockHasWritten) {
  const std::string sentence = fault_of(largest_kernel, 1, 64, 256);
  EXPECT_NE(sentence.find("never written: thread (0,0,0) of block (0,0,0) reads at "),
            std::string::npos);
  EXPECT_NE(sentence.find("word 63 of 256 bytes of shared memory"), std::string::npos);
  emulation::recover();
  EXPECT_NE(fault_of(left_over_kernel, 2, 1, 16).find("never written: thread (0,0,0) of block (1,"),
            std::string::npos);
}

void increment_kernel(int* out) { out[threadIdx.x] += 1; }
void tally_kernel(int* out) { atomicAdd(out, 1); }

TEST_F(Race, ReportsDeviceMemoryThatNobodyHasWritten) {
  const std::vector<int> host(4, 1);
  const DeviceBuffer<int> out(4);
  const DeviceBuffer<int> tally(1);
  upload_async<int>(std::span(host).first(3), out.span(), stream_);
  launch(increment_kernel, {1, 3}, stream_, out.data());
  GPUCONV_CUDA(cudaMemsetAsync(tally.data(), 0, sizeof(int), stream_.get()));
  launch(tally_kernel, {1, 3}, stream_, tally.data());
  EXPECT_EQ(fault(), "");
  launch(increment_kernel, {1, 4}, stream_, out.data());
  EXPECT_NE(fault().find("word 3 of 16 bytes of device memory"), std::string::npos);
  emulation::recover();
  const DeviceBuffer<int> fresh(1);
  launch(tally_kernel, {1, 1}, stream_, fresh.data());
  EXPECT_NE(fault().find("never written: "), std::string::npos);
}

TEST_F(Race, AcceptsTwoLaunchesInOneStream) {
  const DeviceBuffer<float> out(1024);
  for (int i = 0; i < 3; ++i)
    launch(reverse_kernel<true, false>, {4, 64, 256}, stream_, out.data());
  EXPECT_EQ(fault(), "");
}

}  // namespace
}  // namespace gpuconv::test
