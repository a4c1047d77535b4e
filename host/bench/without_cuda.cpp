// without_cuda.cpp - the benchmark of a program that was built without GPU methods
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "host/bench/contender.hpp"

namespace gpuconv {

std::unique_ptr<TimedPlan> plan_on_gpu(const Method&, const Problem&, const Sounds&, const Device&,
                                       RunKind) {
  throw GpuError(query_devices().why_none);
}

std::vector<Contender> cufft_peers() { return {}; }
std::vector<Contender> batch_variants() { return {}; }

}  // namespace gpuconv
