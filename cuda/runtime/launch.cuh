// launch.cuh - the one door to kernels
//
// launch() starts a kernel and BlockShared gives it dynamic shared memory. Because both stand
// here, the same kernel files compile with nvcc for a GPU and with g++ for the emulation
// (tests/emulation), and this file has the only #ifdef of the device room.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

#include "cuda/runtime/check.hpp"
#include "cuda/runtime/resources.hpp"

namespace gpuconv {

/// Blocks, threads per block and bytes of shared memory; remembers the line that wrote it, so that
/// an impossible shape is reported there.
struct LaunchShape {
  unsigned blocks;
  unsigned threads;
  std::size_t shared_bytes = 0;
  bool starts_early = false;  ///< the kernel calls wait_for_previous()
  const char* file = __builtin_FILE();
  int line = __builtin_LINE();
};

constexpr int ceil_div(int numerator, int denominator) {
  return (numerator + denominator - 1) / denominator;
}

/// Whether the current device can start `kernel` early: it can if the kernel was compiled for
/// compute capability 9.0 or newer. Older code has no instruction to wait with.
bool can_start_early(const void* kernel);

/// Queues `kernel` in `stream`. Throws CudaError at the shape's own line if it cannot start.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), const LaunchShape& shape, const Stream& stream,
            Arguments&&... arguments) {
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (shape.shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.shared_bytes)),
          "cudaFuncSetAttribute(shared memory)", shape.file, shape.line);
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks);
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream.get();
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  if (shape.starts_early && can_start_early(reinterpret_cast<const void*>(kernel))) {
    config.attrs = &early;
    config.numAttrs = 1;
  }
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Arguments&&>(arguments)...), "launch",
        shape.file, shape.line);
}

#ifdef __CUDACC__

/// For kernels that start early: while the kernel before in the stream still runs, so that its end
/// hides the start of this one. Every thread calls this before it touches memory that any kernel
/// writes; then all that was queued before has been done, and is seen. It also lets the next kernel
/// start early.
__device__ inline void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
  cudaGridDependencySynchronize();
#endif
}

/// The same pointer to device memory, but the compiler no longer knows how it was computed: it
/// keeps it in registers instead of computing it again before every access.
template <typename T>
__device__ inline T* opaque(T* pointer) {
  asm("" : "+l"(pointer));
  __builtin_assume(__isGlobal(pointer));
  return pointer;
}

/// The dynamic shared memory of a block, taken array by array. Every thread makes the same calls.
/// The optimiser turns each take() into a constant offset.
class BlockShared {
 public:
  template <typename T>
  __device__ T* take(int count) {
    extern __shared__ __align__(16) unsigned char bytes[];
    static_assert(sizeof(T) <= 16, "arrays start at multiples of 16 bytes");
    unsigned char* const array = bytes + used_;
    used_ += (static_cast<unsigned>(count) * static_cast<unsigned>(sizeof(T)) + 15u) & ~15u;
    return reinterpret_cast<T*>(array);
  }

 private:
  unsigned used_ = 0;
};

#else

inline void wait_for_previous(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  cudaTriggerProgrammaticLaunchCompletion();
  emulation::wait_for_previous(file, line);
}

template <typename T>
T* opaque(T* pointer) {
  return pointer;
}

/// As above; each array is an allocation of its own, so that AddressSanitizer guards between them.
class BlockShared {
 public:
  template <typename T>
  T* take(int count) {
    static_assert(sizeof(T) <= 16, "arrays start at multiples of 16 bytes");
    return static_cast<T*>(
        emulation::take_shared(arrays_++, static_cast<std::size_t>(count) * sizeof(T)));
  }

 private:
  int arrays_ = 0;
};

#endif

/// Bytes that take<T>(count) uses: hosts add these up for LaunchShape::shared_bytes.
template <typename T>
constexpr std::size_t shared_array_bytes(int count) {
  return (static_cast<std::size_t>(count) * sizeof(T) + 15) & ~std::size_t{15};
}

}  // namespace gpuconv
