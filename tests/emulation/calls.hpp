// calls.hpp - the one door of all emulated runtime calls: lock, log, errors, planned failures
#pragma once

#include <cuda_runtime.h>

#include <mutex>
#include <string>

// The table of calls that return a cudaError_t of their own (or a cufftResult), in the order of the
// CUDA documentation. cudaGetLastError() and cudaPeekAtLastError() only repeat.
#define GPUCONV_EMULATED_CALLS(X) \
  X(cudaGetDeviceCount)           \
  X(cudaGetDevice)                \
  X(cudaSetDevice)                \
  X(cudaGetDeviceProperties)      \
  X(cudaDeviceGetAttribute)       \
  X(cudaDeviceSynchronize)        \
  X(cudaDriverGetVersion)         \
  X(cudaRuntimeGetVersion)        \
  X(cudaMemGetInfo)               \
  X(cudaMalloc)                   \
  X(cudaFree)                     \
  X(cudaMallocHost)               \
  X(cudaFreeHost)                 \
  X(cudaMemcpyAsync)              \
  X(cudaMemsetAsync)              \
  X(cudaStreamCreateWithFlags)    \
  X(cudaStreamDestroy)            \
  X(cudaStreamSynchronize)        \
  X(cudaStreamWaitEvent)          \
  X(cudaStreamBeginCapture)       \
  X(cudaStreamEndCapture)         \
  X(cudaStreamIsCapturing)        \
  X(cudaEventCreateWithFlags)     \
  X(cudaEventDestroy)             \
  X(cudaEventRecord)              \
  X(cudaEventSynchronize)         \
  X(cudaEventElapsedTime)         \
  X(cudaFuncGetAttributes)        \
  X(cudaFuncSetAttribute)         \
  X(cudaLaunchKernelEx)           \
  X(cudaGraphInstantiate)         \
  X(cudaGraphLaunch)              \
  X(cudaGraphExecDestroy)         \
  X(cudaGraphDestroy)             \
  X(cubTransformReduce)           \
  X(cufftPlan1d)                  \
  X(cufftDestroy)                 \
  X(cufftSetStream)               \
  X(cufftExecR2C)                 \
  X(cufftExecC2R)                 \
  X(cufftExecC2C)                 \
  X(cufftGetVersion)

namespace emulation {

#define GPUCONV_EMULATED_ENUMERATOR(name) name,
enum class Function { GPUCONV_EMULATED_CALLS(GPUCONV_EMULATED_ENUMERATOR) };
#undef GPUCONV_EMULATED_ENUMERATOR

/// From the first line of a call to its last: holds the lock of the runtime, stands in the log, and
/// knows whether the call has to fail, by plan or because the device is lost.
class Entry {
 public:
  explicit Entry(Function function);
  cudaError_t error() const { return error_; }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
  cudaError_t error_;
};

/// What a call with this outcome returns: what happened to the device while it ran comes first.
cudaError_t leave(cudaError_t outcome);

/// A call that does nothing if it has to fail.
template <typename Body>
cudaError_t call(Function function, Body body) {
  const Entry entry(function);
  return entry.error() == cudaSuccess ? leave(body()) : entry.error();
}

/// A call that releases or waits. As on a GPU it has done so even when it reports an error.
template <typename Body>
cudaError_t call_to_end(Function function, Body body) {
  const Entry entry(function);
  const cudaError_t outcome = leave(body());
  return entry.error() == cudaSuccess ? outcome : entry.error();
}

/// With GPUCONV_EMULATED_HANG=1 a wait never ends, as after a kernel that never does.
void hang_if_planned();

/// From now on every call fails with `error`; `sentence` says why.
void lose_device(cudaError_t error, const std::string& sentence);
bool is_device_lost();

}  // namespace emulation
