#include <dlfcn.h>

#include "cuda/methods/cufft_library.hpp"
#include "cuda/methods/plans.hpp"

namespace gpuconv {

std::string why_no_cufft() {
  try {
    cufft_library();
    return "";
  } catch (const CufftError& error) {  // GCOVR_EXCL_LINE: in the emulation cuFFT is always there
    return error.what();               // GCOVR_EXCL_LINE: nor is it sought
  }
}

std::string cufft_version() {
  const CufftLibrary& library = cufft_library();
  int number = 0;
  check_cufft(library.get_version(&number), "cufftGetVersion");
  std::string words = std::to_string(number / 1000);
  for (const int part : {number / 100 % 10, number % 100}) {
    words += '.';
    words += std::to_string(part);
  }
  Dl_info file{};
  if (dladdr(reinterpret_cast<const void*>(library.get_version), &file) == 0) return words;
  return words + " (" + file.dli_fname + ")";
}

void check_cufft(cufftResult result, const char* call) {
  if (result == CUFFT_SUCCESS) return;
  throw CufftError("cuFFT error " + std::to_string(static_cast<int>(result)) + " from " + call);
}

CufftPlan::CufftPlan(int length, cufftType type, int batch) {
  check_cufft(cufft_library().plan_1d(&handle_, length, type, batch), "cufftPlan1d");
}

CufftPlan::~CufftPlan() { cufft_library().destroy(handle_); }

void CufftPlan::real_to_complex(float* from, float2* to, const Stream& stream) const {
  check_cufft(cufft_library().set_stream(handle_, stream.get()), "cufftSetStream");
  check_cufft(cufft_library().exec_r2c(handle_, from, to), "cufftExecR2C");
}

void CufftPlan::complex_to_real(float2* from, float* to, const Stream& stream) const {
  check_cufft(cufft_library().set_stream(handle_, stream.get()), "cufftSetStream");
  check_cufft(cufft_library().exec_c2r(handle_, from, to), "cufftExecC2R");
}

void CufftPlan::complex_to_complex(float2* from, float2* to, int direction,
                                   const Stream& stream) const {
  check_cufft(cufft_library().set_stream(handle_, stream.get()), "cufftSetStream");
  check_cufft(cufft_library().exec_c2c(handle_, from, to, direction), "cufftExecC2C");
}

}  // namespace gpuconv
