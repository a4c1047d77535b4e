// planted.cu - four bugs, one for each tool of compute-sanitizer to find
//
//   gpuconv_planted memcheck|racecheck|initcheck|synccheck|none
//
// A checker that reports nothing proves something only if it can report: profiling/gpu/sanitize.sh
// lets each tool look at its bug, and at "none", which has no bug. Built with nvcc only.
#include <cstdio>
#include <string_view>

#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 64;

/// Reverses `from`, as it should.
__global__ void planted_nothing_kernel(const float* from, float* to) {
  BlockShared shared;
  float* const tile = shared.take<float>(kThreads);
  tile[threadIdx.x] = from[threadIdx.x];
  __syncthreads();  // the tile is staged
  to[threadIdx.x] = tile[kThreads - 1 - threadIdx.x];
}

/// Writes one float behind the end.
__global__ void planted_memcheck_kernel(const float* from, float* to) {
  to[threadIdx.x + 1] = from[threadIdx.x];
}

/// Lacks the barrier between a thread's write and the other warp's read.
__global__ void planted_racecheck_kernel(const float* from, float* to) {
  BlockShared shared;
  float* const tile = shared.take<float>(kThreads);
  tile[threadIdx.x] = from[threadIdx.x];
  to[threadIdx.x] = tile[kThreads - 1 - threadIdx.x];
}

/// Correct, but is given memory that nobody has written.
__global__ void planted_initcheck_kernel(const float* from, float* to) {
  to[threadIdx.x] = 2.0f * from[threadIdx.x];
}

/// Half of a warp waits at a barrier that the other half never reaches.
__global__ void planted_synccheck_kernel(const float* from, float* to) {
  if (threadIdx.x % 32 < 16) {
    to[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
  }
}

struct Bug {
  std::string_view tool;
  void (*kernel)(const float*, float*);
  bool writes_input;
};

constexpr Bug kBugs[] = {{"memcheck", planted_memcheck_kernel, true},
                         {"racecheck", planted_racecheck_kernel, true},
                         {"initcheck", planted_initcheck_kernel, false},
                         {"synccheck", planted_synccheck_kernel, true},
                         {"none", planted_nothing_kernel, true}};

void run(const Bug& bug) {
  const Stream stream;
  const DeviceBuffer<float> from(kThreads);
  const DeviceBuffer<float> to(kThreads);
  if (bug.writes_input) {
    GPUCONV_CUDA(cudaMemsetAsync(from.data(), 0, kThreads * sizeof(float), stream.get()));
  }
  launch(bug.kernel, LaunchShape{1, kThreads, shared_array_bytes<float>(kThreads)}, stream,
         from.data(), to.data());
  stream.synchronize();
}

}  // namespace
}  // namespace gpuconv

int main(int argc, char** argv) {
  for (const gpuconv::Bug& bug : gpuconv::kBugs) {
    if (argc != 2 || bug.tool != argv[1]) continue;
    try {
      gpuconv::run(bug);
    } catch (const gpuconv::CudaError& error) {
      // The tool may end a faulty kernel; it is its report that counts.
      std::fprintf(stderr, "%s\n", error.what());
    }
    return 0;
  }
  std::fprintf(stderr, "usage: gpuconv_planted memcheck|racecheck|initcheck|synccheck|none\n");
  return 1;
}
