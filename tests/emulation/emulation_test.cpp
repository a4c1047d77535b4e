// emulation_test.cpp - trips each strictness of the emulated CUDA runtime once
#include <algorithm>
#include <cmath>

#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Emulation : public EmulationFixture {};

void early_return_kernel() {
  if (threadIdx.x == 5) return;
  __syncthreads();
}

TEST_F(Emulation, FaultsOnABarrierThatAThreadNeverReaches) {
  launch(early_return_kernel, {1, 64}, stream_);
  EXPECT_NE(fault().find("thread (5,0,0) has left the kernel"), std::string::npos);
}

void two_barriers_kernel() {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

TEST_F(Emulation, FaultsOnABarrierReachedAtTwoPlaces) {
  launch(two_barriers_kernel, {1, 2}, stream_);
  const std::string sentence = fault();
  EXPECT_NE(sentence.find("divergent barrier"), std::string::npos);
  EXPECT_NE(sentence.find("emulation_test.cpp"), std::string::npos);
}

void shared_kernel(float* out, int count) {
  BlockShared shared;
  float* const array = shared.take<float>(count);
  out[threadIdx.x] = array[threadIdx.x];
}

TEST_F(Emulation, StartsDeviceAndSharedMemoryAsNaN) {
#if defined(GPUCONV_RACE_SHADOW)
  GTEST_SKIP() << "race_test.cpp: to read what nobody has written is a fault";
#endif
  DeviceBuffer<float> out(8);
  std::vector<float> host(8);
  download_async<float>(out.span(), host, stream_);
  stream_.synchronize();
  for (const float value : host) EXPECT_TRUE(std::isnan(value));
  launch(shared_kernel, {1, 8, 32}, stream_, out.data(), 8);
  download_async<float>(out.span(), host, stream_);
  stream_.synchronize();
  for (const float value : host) EXPECT_TRUE(std::isnan(value));
}

TEST_F(Emulation, FaultsWhenMoreOrLessSharedMemoryIsTakenThanGranted) {
  DeviceBuffer<float> out(8);
  launch(shared_kernel, {1, 8, 16}, stream_, out.data(), 8);
  EXPECT_NE(fault().find("takes 32 bytes of shared memory, was granted 16"), std::string::npos);
  emulation::recover();
  launch(shared_kernel, {1, 8, 64}, stream_, out.data(), 8);
  EXPECT_NE(fault().find("took 32 bytes of shared memory, was granted 64"), std::string::npos);
}

void fill_late_kernel(float* out, float value) {
  wait_for_previous();
  out[blockIdx.x] = value;
}
void copy_late_kernel(const float* from, float* out) {
  BlockShared shared;
  float* const index = shared.take<float>(1);
  if (threadIdx.x == 0) *index = static_cast<float>(blockIdx.x);
  __syncthreads();
  wait_for_previous();
  if (threadIdx.x == 0) out[blockIdx.x] = from[static_cast<int>(*index)];
}
void copy_early_kernel(const float* from, float* out) {
  const float value = from[blockIdx.x];
  wait_for_previous();
  out[blockIdx.x] = value;
}
void write_early_kernel(float* out, float value) {
  out[blockIdx.x] = value;
  wait_for_previous();
}
void never_waits_kernel(float* out) { out[blockIdx.x] = 1; }

TEST_F(Emulation, StartsABlockBeforeTheKernelBeforeHasRun) {
#if defined(GPUCONV_RACE_SHADOW)
  GTEST_SKIP() << "race_test.cpp: races are watched kernel by kernel";
#endif
  constexpr unsigned kBlocks = 3;
  DeviceBuffer<float> first(kBlocks), second(kBlocks);
  const auto wrong_after = [&](const auto& queue) {
    launch(fill_late_kernel, {kBlocks, 1, 0, true}, stream_, first.data(), 1.0f);
    stream_.synchronize();
    queue();
    std::vector<float> host(kBlocks);
    download_async<float>(second.span(), host, stream_);
    stream_.synchronize();
    return kBlocks - static_cast<unsigned>(std::count(host.begin(), host.end(), 2.0f));
  };
  const auto fill = [&] {
    launch(fill_late_kernel, {kBlocks, 1, 0, true}, stream_, first.data(), 2.0f);
  };
  for (const char* const order : {"forward", "random:1", "warp"}) {
    emulation::set_order(order);
    EXPECT_EQ(
        wrong_after([&] {
          fill();
          launch(copy_late_kernel, {kBlocks, 40, 16, true}, stream_, first.data(), second.data());
        }),
        0u);
    EXPECT_EQ(
        wrong_after([&] {
          fill();
          launch(copy_early_kernel, {kBlocks, 1, 0, true}, stream_, first.data(), second.data());
        }),
        1u)
        << "reads before it waits";
    EXPECT_EQ(wrong_after([&] {
                fill();
                launch(copy_early_kernel, {kBlocks, 1}, stream_, first.data(), second.data());
              }),
              0u)
        << "not launched as one that starts early";
    EXPECT_EQ(
        wrong_after([&] {
          launch(fill_late_kernel, {kBlocks, 1, 0, true}, stream_, first.data(), 2.0f);
          launch(copy_late_kernel, {kBlocks, 40, 16, true}, stream_, first.data(), second.data());
          launch(write_early_kernel, {kBlocks, 1, 0, true}, stream_, first.data(), 3.0f);
        }),
        1u)
        << "writes before it waits what the kernel before reads";
  }
  emulation::set_order("forward");
}

TEST_F(Emulation, FaultsOnAnEarlyKernelThatNeverWaits) {
  DeviceBuffer<float> out(1);
  launch(never_waits_kernel, {1, 1, 0, true}, stream_, out.data());
  EXPECT_NE(fault().find("never waits for the kernel before"), std::string::npos);
}

void fill_kernel(float* out, float value) { out[threadIdx.x] = value; }

/// The first value of `device`, through a stream of its own.
float peek(const DeviceBuffer<float>& device) {
  const Stream stream;
  float host = 0;
  download_async<float>(device.span().first(1), {&host, 1}, stream);
  stream.synchronize();
  return host;
}

TEST_F(Emulation, DoesNothingUntilSomebodyWaits) {
  DeviceBuffer<float> out(4);
  launch(fill_kernel, {1, 4}, stream_, out.data(), 1.0f);
  EXPECT_TRUE(std::isnan(peek(out)));
  stream_.synchronize();
  EXPECT_EQ(peek(out), 1.0f);
}

TEST_F(Emulation, DestroysAStreamWithoutWaitingForIt) {
  emulation::forget();
  auto stream = std::make_unique<Stream>();
  DeviceBuffer<float> out(1);
  GPUCONV_CUDA(cudaMemsetAsync(out.data(), 0, sizeof(float), stream->get()));
  const std::size_t streams = emulation::live_streams();
  stream.reset();
  EXPECT_EQ(emulation::live_streams(), streams - 1);
  EXPECT_TRUE(emulation::schedule().empty());
  out = {};  // releasing memory waits for everything
  EXPECT_EQ(emulation::schedule().size(), 1u);
}

TEST_F(Emulation, RunsOtherStreamsOnlyAsFarAsAnEventAsks) {
  DeviceBuffer<float> out(4);
  Stream other;
  Event event;
  launch(fill_kernel, {1, 4}, other, out.data(), 1.0f);
  event.record(other);
  launch(fill_kernel, {1, 4}, other, out.data(), 2.0f);
  wait(stream_, event);
  stream_.synchronize();
  EXPECT_EQ(peek(out), 1.0f);
  other.synchronize();
  EXPECT_EQ(peek(out), 2.0f);
}

TEST_F(Emulation, RefusesImpossibleLaunchesWithCudasCodes) {
  DeviceBuffer<float> out(4);
  const auto code = [&](unsigned blocks, unsigned threads, std::size_t shared) {
    try {
      launch(fill_kernel, {blocks, threads, shared}, stream_, out.data(), 1.0f);
    } catch (const CudaError& error) {
      return error.code();
    }
    return cudaSuccess;
  };
  EXPECT_EQ(code(1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(code(0, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(code(1, 32, 300 * 1024), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "a reported error must not surface again";
}

TEST_F(Emulation, NamesTheLineOfABadLaunch) {
  try {
    DeviceBuffer<float> out(4);
    launch(fill_kernel, {1, 2000}, stream_, out.data(), 1.0f);
    FAIL() << "was accepted";
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("emulation_test.cpp"), std::string::npos);
  }
}

TEST_F(Emulation, RefusesCopiesBeyondTheEndAndFromTheWrongSide) {
  DeviceBuffer<float> device(4);
  std::vector<float> host(8);
  EXPECT_THROW(upload_async<float>(host, device.span(), stream_), CudaError);
  EXPECT_EQ(cudaMemcpyAsync(host.data(), device.data(), 16, cudaMemcpyHostToDevice, stream_.get()),
            cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_F(Emulation, KeepsFailingAfterAFault) {
  launch(early_return_kernel, {1, 64}, stream_);
  EXPECT_NE(fault(), "");
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorLaunchFailure);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure) << "asking does not mend the device";
}

}  // namespace
}  // namespace gpuconv::test
