// warp_test.cpp - operations of a warp, and each of their faults once
#include <numeric>

#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

constexpr unsigned kAll = 0xffffffffu;

class Warps : public EmulationFixture {
 protected:
  std::vector<float> run(void (*kernel)(float*), unsigned threads) {
    DeviceBuffer<float> out(threads);
    launch(kernel, {1, threads}, stream_, out.data());
    return download(out);
  }
  std::string fault_of(void (*kernel)(), unsigned threads) {
    launch(kernel, {1, threads}, stream_);
    return fault();
  }
};

void warp_sum_kernel(float* out) {
  int sum = static_cast<int>(threadIdx.x);
  for (int half = 16; half > 0; half /= 2) sum += __shfl_xor_sync(kAll, sum, half);
  out[threadIdx.x] = static_cast<float>(sum);
}

TEST_F(Warps, AddTheirLanesInEveryOrder) {
  for (const char* const order : {"forward", "reverse", "random:7", "warp", "warp:7"}) {
    emulation::set_order(order);
    const std::vector<float> sums = run(warp_sum_kernel, 64);
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(sums[i], i < 32 ? 496.0f : 1520.0f) << order;
  }
}

void shuffle_kernel(float* out) {
  const float lane = static_cast<float>(threadIdx.x);
  const float from = __shfl_sync(kAll, lane, 9, 8);          // lane 1 of each group of 8
  const float up = __shfl_up_sync(kAll, lane, 1, 8);         // the first of a group keeps its own
  const float down = __shfl_down_sync(kAll, lane, 1, 8);     // so does the last
  const double wide = __shfl_xor_sync(kAll, 1.5 * lane, 1);  // 8 bytes
  out[threadIdx.x] = from + 100 * up + 10000 * down + static_cast<float>(1e6 * wide);
}

TEST_F(Warps, ShuffleWithinGroups) {
  const std::vector<float> seen = run(shuffle_kernel, 32);
  for (int lane = 0; lane < 32; ++lane) {
    const int up = lane % 8 == 0 ? lane : lane - 1;
    const int down = lane % 8 == 7 ? lane : lane + 1;
    EXPECT_EQ(seen[static_cast<std::size_t>(lane)],
              static_cast<float>(lane / 8 * 8 + 1) + 100 * static_cast<float>(up) +
                  10000 * static_cast<float>(down) + static_cast<float>(1.5e6 * (lane ^ 1)));
  }
}

void vote_kernel(float* out) {
  const unsigned odd = __ballot_sync(kAll, threadIdx.x % 2);
  const int any = __any_sync(kAll, threadIdx.x == 31);
  const int none = __any_sync(kAll, threadIdx.x == 32);
  const int all = __all_sync(kAll, 1);
  const int most = __all_sync(kAll, threadIdx.x != 31);
  const bool is_right = odd == 0xaaaaaaaau && any == 1 && none == 0 && all == 1 && most == 0;
  out[threadIdx.x] = is_right ? 1.0f : 0.0f;
}

TEST_F(Warps, Vote) { EXPECT_EQ(run(vote_kernel, 32), std::vector<float>(32, 1.0f)); }

void halves_kernel(float* out) {
  const unsigned mask = threadIdx.x < 16 ? 0x0000ffffu : 0xffff0000u;
  if (threadIdx.x < 16) __syncwarp(mask);
  out[threadIdx.x] = static_cast<float>(__ballot_sync(mask, 1) == mask);
  __syncthreads();
}

TEST_F(Warps, MeetByMask) { EXPECT_EQ(run(halves_kernel, 32), std::vector<float>(32, 1.0f)); }

void exited_kernel() {
  if (threadIdx.x == 7) return;
  __syncwarp();
}

TEST_F(Warps, FaultOnANamedLaneThatHasLeft) {
  const std::string sentence = fault_of(exited_kernel, 32);
  EXPECT_NE(sentence.find("thread (0,0,0) waits in __syncwarp at "), std::string::npos);
  EXPECT_NE(sentence.find("thread (7,0,0), which its mask names, has left"), std::string::npos);
}

void outside_kernel() { __shfl_sync(threadIdx.x < 2 ? 0x3u : 0xfffffffcu, 1.0f, 5); }

TEST_F(Warps, FaultOnASourceOutsideTheMask) {
  EXPECT_NE(fault_of(outside_kernel, 32).find("reads lane 5, which its mask does not name"),
            std::string::npos);
}

void two_lines_kernel() {
  if (threadIdx.x < 3) {
    __syncwarp();
  } else {
    __syncwarp();
  }
}
void two_kinds_kernel() {
  if (threadIdx.x < 3) {
    __any_sync(kAll, 1);
  } else {
    __all_sync(kAll, 1);
  }
}

TEST_F(Warps, FaultOnMeetingAtTwoLinesOrInTwoOperations) {
  EXPECT_NE(fault_of(two_lines_kernel, 32).find("thread (3,0,0), which its mask names, waits in"),
            std::string::npos);
  emulation::recover();
  const std::string kinds = fault_of(two_kinds_kernel, 32);
  EXPECT_NE(kinds.find("waits in __any_sync"), std::string::npos);
  EXPECT_NE(kinds.find("waits in __all_sync"), std::string::npos);
}

void block_barrier_kernel() {
  if (threadIdx.x == 4) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}
void two_masks_kernel() { __syncwarp(threadIdx.x == 0 ? 0x3u : kAll); }
void not_oneself_kernel() { __syncwarp(0xfffffffeu); }
void width_kernel() { __shfl_sync(kAll, 1, 0, 12); }

TEST_F(Warps, FaultOnLanesThatNeverCome) {
  EXPECT_NE(fault_of(block_barrier_kernel, 32).find("thread (4,0,0), which its mask names, waits"),
            std::string::npos);
  emulation::recover();
  EXPECT_NE(fault_of(two_masks_kernel, 32).find("divergent warp"), std::string::npos);
}

TEST_F(Warps, FaultOnMasksAndWidthsThatMeanNothing) {
  EXPECT_NE(fault_of(not_oneself_kernel, 32).find("does not name itself"), std::string::npos);
  emulation::recover();
  EXPECT_NE(fault_of(width_kernel, 32).find("with width 12"), std::string::npos);
}

}  // namespace
}  // namespace gpuconv::test
