// without_cuda.cpp - device memory in a library that was built without GPU methods
#include "cuda/runtime/device.hpp"
#include "host/api/device_convolver.hpp"
#include "host/base/error.hpp"

namespace gpuconv {

std::unique_ptr<DeviceConvolver> make_device_convolver(PlanConvolver*, const Stereo<Signal>&,
                                                       std::int64_t, int) {
  throw GpuError(query_devices().why_none);
}

}  // namespace gpuconv
