// cuda_runtime.h - the part of the CUDA runtime that gpuconv uses, executed on a CPU
//
// First on the include path of the emulated build, where kernel files are plain C++. One fibre
// stands for one CUDA thread. Stricter than a GPU wherever that is cheap:
//   memory     device, pinned and shared memory has exactly the requested size, starts as NaN and
//              is guarded at both ends; the host cannot touch device memory, nor a stream that of
//              another device
//   streams    do nothing until somebody waits for them, and then only what is waited for; or mix
//              (GPUCONV_EMULATED_STREAMS)
//   barriers   one that some threads of a block never reach, or reach at another line, is a fault;
//              so is a warp operation that a named lane does not join
//   early      of a kernel that may start while the one before it runs, the first block runs before
//              that one, up to its cudaGridDependencySynchronize(); to call none is a fault
//   orders     of blocks, warps and threads can be chosen (GPUCONV_EMULATED_ORDER)
//   races      in builds with GPUCONV_RACE_SHADOW, two threads that touch one word without a
//              barrier between them, or two blocks of a launch, are a fault; so is a read of a
//              word that nobody has written
//   graphs     what CUDA forbids while a stream captures has CUDA's codes and no graph; launched
//              graphs are as late, early or mixed as streams
//   atomics    of floats, whose sum depends on the order of the threads, are a fault
//   launches   impossible shapes and too much shared memory fail with CUDA's own codes
//   failures   any runtime call can be made to fail (GPUCONV_EMULATED_FAIL)
//
// What it does not see; compute-sanitizer and runs on a GPU remain for these:
//   - Time, occupancy, registers, local memory, bank conflicts, coalescing.
//   - Weak memory ordering: a missing __threadfence() or volatile. One thread runs at a time, and
//     blocks of a launch run one after the other, to their end.
//   - A kernel that dereferences a pointer to host memory: the host's address space is its own.
//   - Reads of memory that nobody has written, unless the NaN reaches a result: a NaN that a
//     comparison swallows, and integers (-1), pass. With GPUCONV_RACE_SHADOW kernel files are seen
//     to read them (cuFFT, CUB and copies to the host are not), except for bytes beside written
//     ones in a word of 4.
//   - Overruns that jump over the guards: from one allocation into the middle of another one.
//     Without AddressSanitizer a read of up to 15 bytes behind an end, or just before a start,
//     passes too.
//   - Races are seen by words of 4 bytes (two threads writing two bytes of one word is reported
//     although it is none), in kernel files only (not in cuFFT, CUB, copies), and between at most
//     two remembered readers and one writer of a word. A race between two kernels in two streams
//     shows only if an order or a stream schedule makes its result differ.
//   - Warps: exited lanes may not be named in a mask (CUDA permits it); threads of a warp have to
//     meet at one line. __activemask(), __reduce_*_sync() and __match_*_sync() do not exist.
//   - Alignment: device memory starts at multiples of 16 bytes, cudaMalloc() gives 256. A
//   misaligned
//     float2 or float4 ends the program, but only under UndefinedBehaviorSanitizer.
//   - Atomics: there is atomicAdd() of integers alone. As no block runs while another one has not
//     ended, waiting for another block's atomic never ends; and data handed over by an atomic is
//     reported as a race, __threadfence() not being there.
//   - Copies from pageable memory are done when waited for; CUDA may stage them at once.
//   - Floating point: own kernels give the same bits where neither compiler contracts or reorders;
//     libm's functions are not CUDA's. The emulated cuFFT and CUB round as they please.
//   - Graphs: come from captured streams only, stay as they are, and start in streams of the device
//     they were captured on, none of which captures. A forked stream has to be joined even if
//     nothing was done there.
//   - Textures, cooperative groups, tensor cores, printf, unified memory, the
//     default stream, peer access: not there, so their use does not compile or is refused.
// __shared__ and <<<>>> do not exist here: BlockShared and launch() (cuda/runtime/launch.cuh) do.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#define CUDART_VERSION 13000
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

// ---------------------------------------------------------------------------------- types

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorEccUncorrectable = 214,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorIllegalState = 401,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorStreamCaptureMerge = 902,
  cudaErrorStreamCaptureUnmatched = 903,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureIsolation = 905,
  cudaErrorCapturedEvent = 907,
  cudaErrorStreamCaptureWrongThread = 908
};

enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaDeviceAttr {
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrClockRate = 13,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal,
  cudaStreamCaptureModeThreadLocal,
  cudaStreamCaptureModeRelaxed
};
enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone,
  cudaStreamCaptureStatusActive,
  cudaStreamCaptureStatusInvalidated
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor;
  int multiProcessorCount;
  std::size_t sharedMemPerBlockOptin;
};

namespace emulation {
struct Stream;
struct Event;
struct Graph;
struct ExecutableGraph;
}  // namespace emulation
using cudaStream_t = emulation::Stream*;
using cudaEvent_t = emulation::Event*;
using cudaGraph_t = emulation::Graph*;
using cudaGraphExec_t = emulation::ExecutableGraph*;

enum cudaLaunchAttributeID { cudaLaunchAttributeProgrammaticStreamSerialization = 6 };
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    int programmaticStreamSerializationAllowed;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};
struct cudaFuncAttributes {
  int ptxVersion;
};

inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDefault = 0;

// ---------------------------------------------------------------------------------- host side

const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);

cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end);

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);

namespace emulation {

/// `pointers` is what may point into memory among the kernel's arguments.
cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel,
                           std::function<void()> thread_body, std::vector<const void*> pointers);

/// Array number `index` of the running block's shared memory.
void* take_shared(int index, std::size_t bytes);

void barrier(const char* file, int line);

/// cudaGridDependencySynchronize() at this place.
void wait_for_previous(const char* file, int line);

/// Every word of `value` that could be a pointer, in members of structs, too. What happens to stand
/// between members is none: half an old pointer there, and a length make a pointer to anywhere.
template <typename T>
std::vector<const void*> words_of(T value) {
  __builtin_clear_padding(&value);
  std::vector<const void*> words(sizeof(T) / sizeof(void*));
  if (!words.empty()) std::memcpy(words.data(), &value, words.size() * sizeof(void*));
  return words;
}

}  // namespace emulation

/// As in CUDA, arguments are converted to the kernel's own parameter types here and now.
template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  std::tuple<Parameters...> values(std::forward<Arguments>(arguments)...);
  std::vector<const void*> pointers;
  std::apply(
      [&](const auto&... value) {
        [[maybe_unused]] const auto append = [&](const std::vector<const void*>& words) {
          pointers.insert(pointers.end(), words.begin(), words.end());
        };
        (append(emulation::words_of(value)), ...);
      },
      values);
  return emulation::enqueue_kernel(
      *config, reinterpret_cast<const void*>(kernel),
      [kernel, values] { std::apply(kernel, values); }, std::move(pointers));
}

// ---------------------------------------------------------------------------------- device side

/// Set by the scheduler whenever it switches to a thread.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  emulation::barrier(file, line);
}

/// The next kernel may start one of its blocks whether or not it is called.
inline void cudaTriggerProgrammaticLaunchCompletion() {}

/// A load through the read-only cache.
template <typename T>
T __ldg(const T* pointer) {
  return *pointer;
}

// Relaxed: an atomic orders nothing but itself. Never inline, so that the race shadow sees an
// atomic and not a read and a write. What the sum of floats is depends on the order of the threads:
// that one is a fault.
int atomicAdd(int* address, int value);
unsigned atomicAdd(unsigned* address, unsigned value);
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value);
float atomicAdd(float* address, float value, const char* file = __builtin_FILE(),
                int line = __builtin_LINE());

#include "emulated_warp.h"
