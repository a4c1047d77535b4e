// check.hpp - the one way a failing CUDA call is reported
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace gpuconv {

/// A CUDA call failed. what() holds the call as written, where it stands, and CUDA's own reason.
class CudaError : public std::runtime_error {
 public:
  CudaError(cudaError_t code, const std::string& what) : std::runtime_error(what), code_(code) {}
  cudaError_t code() const { return code_; }

 private:
  cudaError_t code_;
};

/// What a user can do about `code`, or who is to blame, in a sentence; empty where CUDA's own words
/// say all there is to say.
std::string cause(cudaError_t code);

/// Throws CudaError unless `code` is cudaSuccess. Clears CUDA's own "last error", so that a caller
/// who recovers does not meet it again at the next call.
void check(cudaError_t code, const char* call, const char* file, int line);

}  // namespace gpuconv

#define GPUCONV_CUDA(call) ::gpuconv::check((call), #call, __FILE__, __LINE__)
