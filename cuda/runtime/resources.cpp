#include "cuda/runtime/resources.hpp"

#include <string>

namespace gpuconv {
namespace detail {

void* allocate_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    std::size_t free = 0;
    std::size_t total = 0;
    const bool is_known = cudaMemGetInfo(&free, &total) == cudaSuccess;
    cudaGetLastError();  // a caller who does with less must not meet it again
    throw CudaError(error, "out of device memory: needs " + std::to_string(bytes) +
                               " more bytes, and " + (is_known ? std::to_string(free) : "too few") +
                               " are free");
  }
  GPUCONV_CUDA(error);
  return memory;
}

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  GPUCONV_CUDA(cudaMallocHost(&memory, bytes));
  return memory;
}

}  // namespace detail

Stream::Stream() {
  cudaStream_t stream = nullptr;
  // Non-blocking: a stream of ours never waits for the default stream, which we do not use.
  GPUCONV_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  stream_.reset(stream);
}

void Stream::synchronize() const { GPUCONV_CUDA(cudaStreamSynchronize(get())); }

Event::Event() {
  cudaEvent_t event = nullptr;
  GPUCONV_CUDA(cudaEventCreateWithFlags(&event, cudaEventDefault));
  event_.reset(event);
}

void Event::record(const Stream& stream) { GPUCONV_CUDA(cudaEventRecord(get(), stream.get())); }

void Event::synchronize() const { GPUCONV_CUDA(cudaEventSynchronize(get())); }

void wait(const Stream& stream, const Event& event) {
  GPUCONV_CUDA(cudaStreamWaitEvent(stream.get(), event.get(), 0));
}

double seconds_between(const Event& start, const Event& end) {
  float milliseconds = 0;
  GPUCONV_CUDA(cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
  return 1e-3 * static_cast<double>(milliseconds);
}

}  // namespace gpuconv
