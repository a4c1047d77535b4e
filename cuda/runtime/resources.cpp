#include "cuda/runtime/resources.hpp"

#include <atomic>
#include <limits>
#include <string>

namespace gpuconv {
namespace {

std::atomic<std::size_t> limit = std::numeric_limits<std::size_t>::max();
std::atomic<std::size_t> taken = 0;
std::atomic<NoteWait*> noted = nullptr;

class Waiting {
 public:
  Waiting() : note_(noted) {
    if (note_ != nullptr) note_(true);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (note_ != nullptr) note_(false);
  }

 private:
  NoteWait* note_;
};

[[noreturn]] void throw_out_of_memory(const std::string& kind, std::size_t bytes,
                                      const std::string& free) {
  throw CudaError(cudaErrorMemoryAllocation, "out of " + kind + " memory: needs " +
                                                 std::to_string(bytes) + " more bytes, and " +
                                                 free + " are free");
}

}  // namespace

void limit_device_memory(std::size_t bytes) { limit = bytes; }

void note_waits(NoteWait* note) { noted = note; }

namespace detail {

DeviceMemory allocate_device(std::size_t bytes) {
  const std::size_t before = taken.fetch_add(bytes);
  if (bytes > limit || before > limit - bytes) {
    taken -= bytes;
    const std::size_t free = limit > before ? limit - before : 0;
    throw_out_of_memory("device", bytes,
                        std::to_string(free) + " of " + std::to_string(limit) + " allowed ones");
  }
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error != cudaSuccess) taken -= bytes;
  if (error == cudaErrorMemoryAllocation) {
    std::size_t free = 0;
    std::size_t total = 0;
    const bool is_known = cudaMemGetInfo(&free, &total) == cudaSuccess;
    cudaGetLastError();  // a caller who does with less must not meet it again
    throw_out_of_memory("device", bytes, is_known ? std::to_string(free) : "too few");
  }
  GPUCONV_CUDA(error);
  return DeviceMemory(memory, FreeDevice{bytes});
}

void FreeDevice::operator()(void* memory) const {
  cudaFree(memory);
  taken -= bytes;
}

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMallocHost(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw_out_of_memory("page-locked host", bytes, "too few");
  }
  GPUCONV_CUDA(error);
  return memory;
}

}  // namespace detail

Stream::Stream() {
  cudaStream_t stream = nullptr;
  // Non-blocking: a stream of ours never waits for the default stream, which we do not use.
  GPUCONV_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  stream_.reset(stream);
}

void Stream::synchronize() const {
  const Waiting waiting;
  GPUCONV_CUDA(cudaStreamSynchronize(get()));
}

Event::Event() {
  cudaEvent_t event = nullptr;
  GPUCONV_CUDA(cudaEventCreateWithFlags(&event, cudaEventDefault));
  event_.reset(event);
}

void Event::record(const Stream& stream) { GPUCONV_CUDA(cudaEventRecord(get(), stream.get())); }

void Event::synchronize() const {
  const Waiting waiting;
  GPUCONV_CUDA(cudaEventSynchronize(get()));
}

void wait(const Stream& stream, const Event& event) {
  GPUCONV_CUDA(cudaStreamWaitEvent(stream.get(), event.get(), 0));
}

double seconds_between(const Event& start, const Event& end) {
  float milliseconds = 0;
  GPUCONV_CUDA(cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
  return 1e-3 * static_cast<double>(milliseconds);
}

}  // namespace gpuconv
