// The emulated build has its own cufft_library(): tests/emulation/cufft.cpp.
#include "cuda/methods/cufft_library.hpp"

#include <dlfcn.h>

#include "cuda/methods/cufft_locations.hpp"

namespace gpuconv {
namespace {

void* open_cufft() {
  std::string reasons;
  const auto open = [&](const char* name) {
    void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) reasons += (reasons.empty() ? "" : "; ") + std::string(dlerror());
    return library;
  };
  for (const char* const name : kCufftNames) {
    if (void* const library = open(name)) return library;
  }
  reasons.clear();  // four times: no such file
  for (const std::string& file : cufft_files(cufft_search())) {
    if (void* const library = open(file.c_str())) return library;
  }
  if (!reasons.empty()) throw CufftError("cuFFT is not installed correctly: " + reasons);
  throw CufftError(
      "cuFFT is not installed: the loader, the CUDA Toolkit and the Pythons on PATH have no "
      "libcufft.so");
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
