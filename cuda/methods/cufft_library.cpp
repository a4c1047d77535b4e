// The emulated build has its own cufft_library(): tests/emulation/cufft.cpp.
#include "cuda/methods/cufft_library.hpp"

#include <dlfcn.h>

namespace gpuconv {
namespace {

void* open_cufft() {
  // 12 belongs to CUDA 13, 11 to CUDA 12, 10 to CUDA 11; these functions are the same in all.
  std::string reasons;
  for (const char* const name : {"libcufft.so.12", "libcufft.so.11", "libcufft.so.10",
                                 "libcufft.so", "/usr/local/cuda/lib64/libcufft.so"}) {
    if (void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    if (reasons.empty()) reasons = dlerror();
  }
  throw CufftError("cuFFT is not installed where the loader looks (" + reasons + ")");
}

template <typename Function>
void resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw CufftError(std::string("cuFFT has no function ") + name);
}

CufftLibrary load() {
  void* const library = open_cufft();  // stays open until the process ends
  CufftLibrary functions{};
  resolve(library, "cufftPlan1d", functions.plan_1d);
  resolve(library, "cufftDestroy", functions.destroy);
  resolve(library, "cufftSetStream", functions.set_stream);
  resolve(library, "cufftExecR2C", functions.exec_r2c);
  resolve(library, "cufftExecC2R", functions.exec_c2r);
  resolve(library, "cufftExecC2C", functions.exec_c2c);
  resolve(library, "cufftGetVersion", functions.get_version);
  return functions;
}

}  // namespace

const CufftLibrary& cufft_library() {
  static const CufftLibrary library = load();
  return library;
}

}  // namespace gpuconv
