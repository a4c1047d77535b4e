// atomics_test.cpp - integers are counted, floats are refused
#include "tests/emulation/fixture.hpp"

namespace gpuconv::test {
namespace {

class Atomics : public EmulationFixture {
 protected:
  template <typename T>
  std::vector<T> run(void (*kernel)(T*), unsigned blocks, unsigned threads) {
    std::vector<T> host(1 + blocks * threads, 0);
    const DeviceBuffer<T> device(host.size());
    upload_async<T>(host, device.span(), stream_);
    launch(kernel, {blocks, threads}, stream_, device.data());
    download_async<T>(device.span(), host, stream_);
    stream_.synchronize();
    return host;
  }
};

/// Counts all threads, and marks the tickets that were drawn.
template <typename T>
void ticket_kernel(T* count) {
  const T ticket = atomicAdd(count, T{1});
  count[1 + ticket] = 1;
}

template <typename T>
void expect_tickets(const std::vector<T>& counted) {
  EXPECT_EQ(counted[0], 4u * 64u);
  for (std::size_t i = 1; i < counted.size(); ++i) EXPECT_EQ(counted[i], 1u) << i;
}

TEST_F(Atomics, CountEveryThreadOnceInEveryOrder) {
  for (const char* const order : {"forward", "reverse", "random:1", "warp:1"}) {
    emulation::set_order(order);
    expect_tickets(run(ticket_kernel<unsigned>, 4, 64));
    expect_tickets(run(ticket_kernel<unsigned long long>, 4, 64));
  }
}

void negative_kernel(int* sum) { atomicAdd(sum, -static_cast<int>(threadIdx.x)); }
void wrapping_kernel(int* sum) { atomicAdd(sum, 0x7fffffff); }

TEST_F(Atomics, SumSignedIntegersAndWrap) {
  EXPECT_EQ(run(negative_kernel, 1, 4)[0], -6);
  EXPECT_EQ(run(wrapping_kernel, 1, 2)[0], -2);
}

void shared_count_kernel(unsigned* out) {
  BlockShared shared;
  unsigned* const count = shared.take<unsigned>(1);
  if (threadIdx.x == 0) *count = 0;
  __syncthreads();  // the count is zero
  atomicAdd(count, threadIdx.x);
  __syncthreads();  // it is complete
  if (threadIdx.x == 0) out[blockIdx.x] = *count;
}

TEST_F(Atomics, WorkInSharedMemory) {
  const DeviceBuffer<unsigned> out(2);
  std::vector<unsigned> host(2);
  launch(shared_count_kernel, {2, 64, 16}, stream_, out.data());
  download_async<unsigned>(out.span(), host, stream_);
  stream_.synchronize();
  EXPECT_EQ(host, (std::vector<unsigned>{2016, 2016}));
}

void float_kernel(float* sum) { atomicAdd(sum, 1.0f); }

TEST_F(Atomics, OfFloatsAreAFault) {
  const DeviceBuffer<float> sum(1);
  launch(float_kernel, {1, 2}, stream_, sum.data());
  const std::string sentence = fault();
  EXPECT_NE(sentence.find("no float atomics: the sum at "), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("atomics_test.cpp:"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace gpuconv::test
