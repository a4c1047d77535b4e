// memory_test.cpp - device memory ends where it ends, and belongs to its device
#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Memory : public EmulationFixture {
 protected:
  void SetUp() override { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};
using MemoryDeathTest = Memory;

TEST_F(MemoryDeathTest, TheHostCanNotTouchDeviceMemory) {
  const DeviceBuffer<float> device(4);
  volatile float* const pointer = device.data();
  EXPECT_DEATH((void)*pointer, "");
  EXPECT_DEATH(*pointer = 1, "");
  stream_.synchronize();
  EXPECT_DEATH((void)*pointer, "");
}

void store_kernel(float* out, int at) { out[at] = 1; }

void shared_overrun_kernel(float* out) {
  BlockShared shared;
  float* const first = shared.take<float>(4);
  float* const second = shared.take<float>(4);
  first[4 + threadIdx.x] = 1;  // on a GPU this would land in `second`
  out[0] = second[0];
}

#if defined(__SANITIZE_ADDRESS__)

TEST_F(MemoryDeathTest, AddressSanitizerSeesOneFloatBeyondEitherEnd) {
  for (const int size : {3, 4, 1024}) {
    for (const int at : {-1, size}) {
      EXPECT_DEATH(
          {
            DeviceBuffer<float> out(static_cast<std::size_t>(size));
            launch(store_kernel, {1, 1}, stream_, out.data(), at);
            stream_.synchronize();
          },
          "AddressSanitizer");
    }
  }
}

TEST_F(MemoryDeathTest, AddressSanitizerSeesAStepFromOneSharedArrayIntoTheNext) {
  EXPECT_DEATH(
      {
        DeviceBuffer<float> out(4);
        launch(shared_overrun_kernel, {1, 1, 32}, stream_, out.data());
        stream_.synchronize();
      },
      "use-after-poison");
}

#else

TEST_F(Memory, FaultsAtTheEndOfAKernelThatWroteBeyondEitherEnd) {
  DeviceBuffer<float> out(3);
  launch(store_kernel, {1, 1}, stream_, out.data(), 3);
  EXPECT_NE(fault().find("(12 bytes of device 0) was overrun: byte 0 behind its end was written"),
            std::string::npos);
  emulation::recover();
  DeviceBuffer<float> other(3);
  out = DeviceBuffer<float>();
  emulation::recover();
  launch(store_kernel, {1, 1}, stream_, other.data(), -1);
  EXPECT_NE(fault().find("byte 4 before its start was written"), std::string::npos);
}

TEST_F(MemoryDeathTest, AGuardPageStandsBehindEveryAllocation) {
  EXPECT_DEATH(
      {
        DeviceBuffer<float> out(4);
        launch(store_kernel, {1, 1}, stream_, out.data(), 4);
        stream_.synchronize();
      },
      "");
}

TEST_F(Memory, FaultsAtTheEndOfABlockThatWroteBetweenSharedArrays) {
  DeviceBuffer<float> out(4);
  launch(shared_overrun_kernel, {1, 1, 32}, stream_, out.data());
  EXPECT_NE(fault().find("shared array 0 of 16 bytes was overrun"), std::string::npos);
}

#endif

TEST_F(Memory, IsRefusedWhenTheDeviceIsFull) {
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, free + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(memory, nullptr);
  const DeviceBuffer<float> some(256);
  std::size_t less = 0;
  ASSERT_EQ(cudaMemGetInfo(&less, &total), cudaSuccess);
  EXPECT_EQ(less, free - 1024);
}

class Devices4 : public EmulationFixture {
 protected:
  Devices4() { cudaGetDeviceCount(&count_before_); }
  void SetUp() override { emulation::set_devices(4); }
  void TearDown() override {
    EmulationFixture::TearDown();
    emulation::set_devices(count_before_);
  }

 private:
  int count_before_ = 1;
};

TEST_F(Devices4, HaveNamesAndACurrentOne) {
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 4);
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 2), cudaSuccess);
  EXPECT_STREQ(properties.name, "emulated GPU 2 (on the CPU)");
  ASSERT_EQ(cudaSetDevice(3), cudaSuccess);
  int device = 0;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 3);
  EXPECT_EQ(cudaSetDevice(4), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
  cudaGetLastError();
}

struct Wrapped {
  int count;
  float* out;
};
void wrapped_kernel(Wrapped wrapped) { wrapped.out[0] = 1; }

TEST_F(Devices4, FaultWhenMemoryOfAnotherOneIsUsed) {
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const DeviceBuffer<float> elsewhere(4);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  launch(store_kernel, {1, 1}, stream_, elsewhere.data(), 0);
  EXPECT_NE(fault().find("(16 bytes of device 1) is used in a stream of device 0"),
            std::string::npos);
  emulation::recover();
  launch(wrapped_kernel, {1, 1}, stream_, Wrapped{1, elsewhere.data()});
  EXPECT_NE(fault().find("is used in a stream of device 0"), std::string::npos);
  emulation::recover();
  std::vector<float> host(4);
  download_async<float>(elsewhere.span(), host, stream_);
  EXPECT_NE(fault().find("is used in a stream of device 0"), std::string::npos);
}

TEST(WordsOf, AreNoneOfWhatStandsBetweenMembers) {
  float out = 0;
  Wrapped wrapped{};
  std::memset(&wrapped, 0x7f, sizeof wrapped);
  wrapped.count = 5;
  wrapped.out = &out;
  const auto words = emulation::words_of(wrapped);
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(words[0]), 5u);
  EXPECT_EQ(words[1], &out);
}

TEST_F(Devices4, RefuseLaunchesAndRecordsInStreamsOfAnotherOne) {
  const DeviceBuffer<float> out(4);
  const auto code = [](const auto& call) {
    try {
      call();
    } catch (const CudaError& error) {
      return error.code();
    }
    return cudaSuccess;
  };
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(code([&] {
              launch(store_kernel, {1, 1}, stream_, out.data(), 0);
            }),
            cudaErrorInvalidResourceHandle);
  Event event;
  EXPECT_EQ(code([&] { event.record(stream_); }), cudaErrorInvalidResourceHandle);
}

TEST(NoDevice, IsReported) {
  int count_before = 1;
  ASSERT_EQ(cudaGetDeviceCount(&count_before), cudaSuccess);
  emulation::set_devices(0);
  int count = 1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  cudaGetLastError();
  emulation::set_devices(count_before);
}

}  // namespace
}  // namespace gpuconv::test
