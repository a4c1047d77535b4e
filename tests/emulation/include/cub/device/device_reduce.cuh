// device_reduce.cuh - stand-in for the one CUB algorithm that gpuconv uses, in thread order
#pragma once

#include <cuda_runtime.h>

#include "tests/emulation/state.hpp"

namespace cub {

struct DeviceReduce {
  /// As CUB: with `temporary` null only writes how many bytes it wants there; and in two launches
  /// with the sum so far in `temporary`, so that two streams must not share it.
  template <typename Input, typename Output, typename Reduce, typename Transform, typename T>
  static cudaError_t TransformReduce(void* temporary, std::size_t& temporary_bytes, Input input,
                                     Output output, int count, Reduce reduce, Transform transform,
                                     T initial, cudaStream_t stream) {
    if (temporary == nullptr) {
      temporary_bytes = sizeof(T);
      return cudaSuccess;
    }
    return emulation::call(emulation::Function::cubTransformReduce, [&] {
      if (stream == nullptr) return cudaErrorInvalidResourceHandle;
      T* const so_far = static_cast<T*>(temporary);
      const int half = count / 2;
      const cudaError_t first = emulation::enqueue(stream, emulation::Work::kernel,
                                                   [=] {
                                                     T total = initial;
                                                     for (int i = 0; i < half; ++i)
                                                       total = reduce(total, transform(input[i]));
                                                     *so_far = total;
                                                   },
                                                   {temporary, input});
      if (first != cudaSuccess) return first;
      return emulation::enqueue(stream, emulation::Work::kernel,
                                [=] {
                                  T total = *so_far;
                                  for (int i = half; i < count; ++i)
                                    total = reduce(total, transform(input[i]));
                                  *output = total;
                                },
                                {temporary, input, output});
    });
  }
};

}  // namespace cub
