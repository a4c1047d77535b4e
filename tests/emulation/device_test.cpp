// device_test.cpp - shared memory by opt-in, wide loads, and what a device says of itself
#include "cuda/runtime/device.hpp"

#include "host/base/error.hpp"
#include "host/render/gpu_renderer.hpp"
#include "tests/emulation/fixture.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

class EmulatedDevice : public EmulationFixture {
 protected:
  static int attribute(cudaDeviceAttr which) {
    int value = -1;
    EXPECT_EQ(cudaDeviceGetAttribute(&value, which, 0), cudaSuccess);
    return value;
  }
};

/// One kernel for each test, as what cudaFuncSetAttribute() grants stays granted.
template <int number>
void take_shared_kernel(int bytes) {
  BlockShared shared;
  shared.take<char>(bytes)[0] = 0;
}

template <int number>
cudaError_t start(const Stream& stream, int bytes) {
  cudaLaunchConfig_t config{};
  config.dynamicSmemBytes = static_cast<std::size_t>(bytes);
  config.stream = stream.get();
  const cudaError_t error = cudaLaunchKernelEx(&config, take_shared_kernel<number>, bytes);
  cudaGetLastError();
  stream.synchronize();
  return error;
}

template <int number>
cudaError_t grant(int bytes) {
  const auto kernel = reinterpret_cast<const void*>(&take_shared_kernel<number>);
  const cudaError_t error =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  cudaGetLastError();
  return error;
}

constexpr int kKiB = 1024;

TEST_F(EmulatedDevice, GivesMoreThan48KiBOfSharedMemoryOnlyIfAsked) {
  EXPECT_EQ(start<1>(stream_, 48 * kKiB), cudaSuccess);
  EXPECT_EQ(start<1>(stream_, 48 * kKiB + 16), cudaErrorInvalidValue);
  EXPECT_EQ(grant<1>(100 * kKiB), cudaSuccess);
  EXPECT_EQ(start<1>(stream_, 100 * kKiB), cudaSuccess);
  EXPECT_EQ(start<1>(stream_, 100 * kKiB + 16), cudaErrorInvalidValue);
  EXPECT_EQ(start<2>(stream_, 100 * kKiB), cudaErrorInvalidValue) << "another kernel";
  emulation::set_devices(2);
  use_device(1);
  EXPECT_EQ(start<1>(Stream(), 100 * kKiB), cudaErrorInvalidValue) << "another device";
  use_device(0);
}

TEST_F(EmulatedDevice, CanBeOneWithLessSharedMemory) {
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), 227 * kKiB);
  EXPECT_EQ(grant<3>(227 * kKiB), cudaSuccess);
  emulation::set_shared_bytes(99 * kKiB);  // as on compute capability 8.6, 8.9 and 12.0
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), 99 * kKiB);
  EXPECT_EQ(query_devices().list.at(0).shared_bytes_per_block, std::size_t{99 * kKiB});
  EXPECT_EQ(grant<3>(99 * kKiB + 1), cudaErrorInvalidValue);
  EXPECT_EQ(grant<3>(99 * kKiB), cudaSuccess);
  EXPECT_EQ(start<3>(stream_, 99 * kKiB), cudaSuccess);
  EXPECT_THROW(launch(take_shared_kernel<4>, {1, 1, 100 * kKiB}, stream_, 100 * kKiB), CudaError);
}

TEST_F(EmulatedDevice, CanBeOneWithLessMemory) {
  emulation::set_device_bytes(1000);
  std::size_t free = 0;
  std::size_t total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(total, 1000u);
  const DeviceBuffer<char> most(900);
  EXPECT_EQ(free_device_memory(), 100u);
  EXPECT_THROW(DeviceBuffer<char>(101), CudaError);
  EXPECT_EQ(DeviceBuffer<char>(100).size(), 100u);
  EXPECT_EQ(query_devices().list.at(0).memory_bytes, 1000u);
}

/// A render in one process with others: each on its own device, in turns.
TEST_F(EmulatedDevice, IsTheCallersOwnAgainAfterAPlanAndARender) {
  emulation::set_devices(3);
  use_device(2);
  const Stereo<Signal> response{noise(300, 1), noise(300, 2)};
  const Signal source = noise(2000, 3);
  const auto current = [] {
    int device = -1;
    EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
    return device;
  };
  for (PlanConvolver* const plan : {plan_gpu_tiled, plan_gpu_fourstep, plan_gpu_cufft}) {
    const auto first = make_gpu_renderer(plan, response, 2000, 0);
    const auto second = make_gpu_renderer(plan, response, 2000, 1);
    EXPECT_EQ(current(), 2);
    const Stereo<Signal> expected = run(*first, source);
    EXPECT_EQ(current(), 2);
    for (Renderer* const renderer : {second.get(), first.get()}) {
      const Stereo<Signal> wet = run(*renderer, source);
      EXPECT_EQ(wet.left, expected.left);
      EXPECT_EQ(wet.right, expected.right);
      EXPECT_EQ(current(), 2);
    }
  }
  emulation::fail_call(5, cudaErrorMemoryAllocation);
  EXPECT_THROW(make_gpu_renderer(plan_gpu_tiled, response, 2000, 1), GpuError);
  emulation::fail_no_call();
  EXPECT_EQ(current(), 2);
  use_device(0);
}

TEST_F(EmulatedDevice, AnswersUntilAnErrorThatLosesIt) {
  EXPECT_TRUE(still_answers());
  emulation::fail_call(1, cudaErrorMemoryAllocation);
  EXPECT_THROW(DeviceBuffer<float>(1), CudaError);
  EXPECT_TRUE(still_answers());
  emulation::fail_call(1, cudaErrorIllegalAddress);
  EXPECT_THROW(DeviceBuffer<float>(1), CudaError);
  EXPECT_FALSE(still_answers());
  emulation::recover();
  EXPECT_TRUE(still_answers());
}

TEST_F(EmulatedDevice, SaysWhatAKernelsShapeDependsOn) {
  EXPECT_EQ(attribute(cudaDevAttrMultiProcessorCount), 1);
  EXPECT_EQ(attribute(cudaDevAttrMaxThreadsPerMultiProcessor), 2048);
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlock), 48 * kKiB);
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor), 228 * kKiB);
  EXPECT_EQ(attribute(cudaDevAttrL2CacheSize), 1 << 20);
  EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMajor), 9);
  EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMinor), 0);
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(1), 0),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrL2CacheSize, 1), cudaErrorInvalidDevice);
  cudaGetLastError();
}

TEST_F(EmulatedDevice, CanBeOneWithALargeCache) {
  emulation::set_l2_cache_bytes(50 << 20);
  EXPECT_EQ(attribute(cudaDevAttrL2CacheSize), 50 << 20);
}

TEST_F(EmulatedDevice, SaysWhyThereIsNone) {
  const auto expect_none = [](const std::string& why) {
    const Devices devices = query_devices();
    EXPECT_TRUE(devices.list.empty());
    EXPECT_NE(devices.why_none.find(why), std::string::npos) << devices.why_none;
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  };
  emulation::fail_call(1, cudaErrorInsufficientDriver, emulation::Failing::persistent);
  expect_none("no NVIDIA driver is installed");
  emulation::fail_call(1, cudaErrorInsufficientDriver);
  expect_none("driver is too old: it knows CUDA 13.0, this program needs 13.0");
  emulation::fail_call(1, cudaErrorNotReady);
  expect_none("CUDA does not start: device not ready (cudaErrorNotReady)");
  emulation::fail_call(2, cudaErrorInvalidDevice);  // what it asks of the first one
  expect_none("cudaErrorInvalidDevice");
  emulation::fail_no_call();
  EXPECT_EQ(query_devices().list.size(), 1u);
  emulation::set_devices(0);
  expect_none("no NVIDIA GPU is visible");
}

template <typename Wide>
__global__ void __launch_bounds__(4)
    copy_kernel(const float* __restrict__ from, float* __restrict__ to) {
  reinterpret_cast<Wide*>(to)[threadIdx.x] =
      __ldg(reinterpret_cast<const Wide*>(from) + threadIdx.x);
}

TEST_F(EmulatedDevice, LoadsAndStoresWideValues) {
  std::vector<float> host(16);
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i);
  const DeviceBuffer<float> from(16);
  const DeviceBuffer<float> to(16);
  upload_async<float>(host, from.span(), stream_);
  launch(copy_kernel<float4>, {1, 4}, stream_, from.data(), to.data());
  EXPECT_EQ(download(to), host);
  launch(copy_kernel<float2>, {1, 4}, stream_, from.data() + 8, to.data());
  for (std::size_t i = 0; i < 8; ++i) host[i] += 8;
  EXPECT_EQ(download(to), host);
}

#if defined(__SANITIZE_ADDRESS__)  // UndefinedBehaviorSanitizer is there, too

template <typename Wide>
void shifted_copy(const Stream& stream) {
  const DeviceBuffer<float> from(32);
  const DeviceBuffer<float> to(32);
  launch(copy_kernel<Wide>, {1, 4}, stream, from.data() + sizeof(Wide) / sizeof(float) / 2,
         to.data());
  stream.synchronize();
}

TEST_F(EmulatedDevice, EndsAtAMisalignedAddress) {
  EXPECT_DEATH(shifted_copy<float2>(stream_),
               "misaligned address .* for type 'const struct float2'");
  EXPECT_DEATH(shifted_copy<float4>(stream_),
               "misaligned address .* for type 'const struct float4'");
}

#endif

}  // namespace
}  // namespace gpuconv::test
