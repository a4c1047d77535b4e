// cub.cuh - stand-in for the one CUB algorithm that gpuconv uses, in thread order
#pragma once

#include <cuda_runtime.h>

#include "tests/emulation/state.hpp"

namespace cub {

struct DeviceReduce {
  /// As CUB: with `temporary` null only writes how many bytes it wants there.
  template <typename Input, typename Output, typename Reduce, typename Transform, typename T>
  static cudaError_t TransformReduce(void* temporary, std::size_t& temporary_bytes, Input input,
                                     Output output, int count, Reduce reduce, Transform transform,
                                     T initial, cudaStream_t stream) {
    if (temporary == nullptr) {
      temporary_bytes = 1;
      return cudaSuccess;
    }
    return emulation::call(emulation::Function::cubTransformReduce, [&] {
      if (stream == nullptr) return cudaErrorInvalidResourceHandle;
      return emulation::enqueue(stream, emulation::Work::kernel,
                                [=] {
                                  T total = initial;
                                  for (int i = 0; i < count; ++i)
                                    total = reduce(total, transform(input[i]));
                                  *output = total;
                                },
                                {temporary, input, output});
    });
  }
};

}  // namespace cub
