#include "cuda/runtime/check.hpp"

namespace gpuconv {
namespace {

struct Cause {
  int code;
  const char* sentence;
};

// Numbers of driver_types.h in CUDA 13; all of those from 214 on cannot be mended in this process.
constexpr Cause kCauses[] = {
    {2, "the GPU's memory is full; 'nvidia-smi' tells who else takes some"},
    {3, "the NVIDIA driver does not start; 'nvidia-smi' may tell why"},
    {46, "the GPU is taken: another process has it for itself"},
    {100, "no NVIDIA GPU is visible (CUDA_VISIBLE_DEVICES hides devices, too)"},
    {101, "there is no GPU of this number; 'gpuconv devices' lists them"},
    {209, "this program holds no kernel for this GPU; 'gpuconv devices' tells its kind"},
    {214,
     "the GPU's memory has an error that cannot be corrected (ECC): faulty hardware; "
     "'nvidia-smi -q -d ECC' tells more"},
    {220, "the bus or link to the GPU failed: faulty hardware"},
    {222, "the NVIDIA driver is too old to translate this program's kernels for this GPU"},
    {700,
     "the GPU met an illegal address: a bug of this program or faulty hardware; 'gpuconv "
     "selftest' may tell which"},
    {702, "a kernel took longer than a GPU with a display allows"},
    {719,
     "a kernel failed: a bug of this program or faulty hardware; 'gpuconv selftest' may tell "
     "which"},
    {802, "the system is not ready for CUDA yet: a service of the driver does not run"},
    {803, "the NVIDIA driver and its libraries have different versions: restart the machine"},
};

std::string version_name(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// CUDA has one code for no driver and for one that is too old.
std::string why_insufficient_driver() {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  cudaGetLastError();
  if (driver == 0) return "no NVIDIA driver is installed";
  return "the NVIDIA driver is too old: it knows CUDA " + version_name(driver) +
         ", this program needs " + version_name(runtime);
}

}  // namespace

std::string cause(cudaError_t code) {
  if (code == cudaErrorInsufficientDriver) return why_insufficient_driver();
  for (const Cause& each : kCauses) {
    if (each.code == static_cast<int>(code)) return each.sentence;
  }
  return "";
}

void check(cudaError_t code, const char* call, const char* file, int line) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // a handled error must not surface again at the next launch
  std::string sentence = cause(code);
  if (!sentence.empty()) sentence += ": ";
  throw CudaError(code, sentence + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) +
                            " = " + std::to_string(static_cast<int>(code)) + ") from " + call +
                            " at " + file + ":" + std::to_string(line));
}

}  // namespace gpuconv
