#include "cuda/runtime/check.hpp"

namespace gpuconv {

void check(cudaError_t code, const char* call, const char* file, int line) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // a handled error must not surface again at the next launch
  throw CudaError(code, std::string(cudaGetErrorString(code)) + " (" + cudaGetErrorName(code) +
                            " = " + std::to_string(static_cast<int>(code)) + ") from " + call +
                            " at " + file + ":" + std::to_string(line));
}

}  // namespace gpuconv
