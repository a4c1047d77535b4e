// peaks.hpp - what a device can do at all, measured
#pragma once

#include "cuda/runtime/device.hpp"

namespace gpuconv {

struct Peaks {
  double flops = 0;             ///< float32, fused multiply-adds counted as two
  double bytes_per_second = 0;  ///< of a copy within device memory, read and written
  /// Copies from and to page-locked host memory; zero on the CPU, which has no link.
  double upload_bytes_per_second = 0;
  double download_bytes_per_second = 0;
};

/// Best of `runs` on the current device. `copied_bytes` should be larger than any cache. A round
/// is 256 multiply-adds of a thread.
Peaks measure_peaks(const Device& device, std::size_t copied_bytes, int fma_rounds, int runs);

}  // namespace gpuconv
