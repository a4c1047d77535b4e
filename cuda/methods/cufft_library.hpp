// cufft_library.hpp - cuFFT, opened when it is first needed
//
// cuFFT weighs hundreds of megabytes, costs milliseconds at every start when linked, and no
// distribution packages it. So it is opened with dlopen; where there is none, only "gpu-cufft"
// is missing.
#pragma once

#include <cufft.h>

#include <stdexcept>
#include <string>

#include "cuda/runtime/resources.hpp"

namespace gpuconv {

/// cuFFT is not installed, or a call to it failed.
struct CufftError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The functions that are used, with cuFFT's own types.
struct CufftLibrary {
  decltype(&::cufftPlan1d) plan_1d;
  decltype(&::cufftDestroy) destroy;
  decltype(&::cufftSetStream) set_stream;
  decltype(&::cufftExecR2C) exec_r2c;
  decltype(&::cufftExecC2R) exec_c2r;
  decltype(&::cufftExecC2C) exec_c2c;
  decltype(&::cufftGetVersion) get_version;
};

/// Opens the library at the first call; throws CufftError if there is none.
const CufftLibrary& cufft_library();

/// Throws CufftError unless `result` is CUFFT_SUCCESS.
void check_cufft(cufftResult result, const char* call);

/// A batch of one-dimensional transforms.
class CufftPlan {
 public:
  CufftPlan(int length, cufftType type, int batch);
  ~CufftPlan();
  CufftPlan(const CufftPlan&) = delete;
  CufftPlan& operator=(const CufftPlan&) = delete;
  void real_to_complex(float* from, float2* to, const Stream& stream) const;
  void complex_to_real(float2* from, float* to, const Stream& stream) const;
  void complex_to_complex(float2* from, float2* to, int direction, const Stream& stream) const;

 private:
  cufftHandle handle_ = 0;
};

}  // namespace gpuconv
