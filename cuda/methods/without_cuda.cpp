// without_cuda.cpp - the answers of a program that was built without GPU methods
//
// Stands in for every file that needs <cuda_runtime.h>. With no device in the list, no GPU method
// is ever chosen, so the plans are never made; the linker only asks for their names.
#include <stdexcept>

#include "cuda/methods/plans.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/peaks.hpp"

namespace gpuconv {

class Convolver {};
class VoiceConvolver {};

namespace {

constexpr const char* kReason =
    "this gpuconv was built without GPU methods (make GPU=all compiles them)";

[[noreturn]] void refuse() { throw std::runtime_error(kReason); }

}  // namespace

Devices query_devices() { return {{}, kReason}; }

std::string compiled_gpus() { return ""; }

std::string toolkit_version() { return ""; }

void use_device(int) { refuse(); }

bool still_answers() { return false; }

Peaks measure_peaks(const Device&, std::size_t, int, int) { refuse(); }

std::unique_ptr<Convolver> plan_gpu_direct(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}
std::unique_ptr<Convolver> plan_gpu_tiled(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}
std::unique_ptr<Convolver> plan_gpu_radix2(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}
std::unique_ptr<Convolver> plan_gpu_cufft(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}
std::unique_ptr<Convolver> plan_gpu_fourstep(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}
std::unique_ptr<Convolver> plan_gpu_fused(Stereo<std::span<const float>>, std::int64_t) {
  refuse();
}

std::unique_ptr<VoiceConvolver> plan_voices_direct(int, std::int64_t, const VoiceMemory&) {
  refuse();
}
std::unique_ptr<VoiceConvolver> plan_voices_tiled(int, std::int64_t, const VoiceMemory&) {
  refuse();
}
std::unique_ptr<VoiceConvolver> plan_voices_radix2(int, std::int64_t, const VoiceMemory&) {
  refuse();
}
std::unique_ptr<VoiceConvolver> plan_voices_cufft(int, std::int64_t, const VoiceMemory&) {
  refuse();
}
std::unique_ptr<VoiceConvolver> plan_voices_fourstep(int, std::int64_t, const VoiceMemory&) {
  refuse();
}
std::unique_ptr<VoiceConvolver> plan_voices_fused(int, std::int64_t, const VoiceMemory&) {
  refuse();
}

std::string why_no_cufft() { return kReason; }

std::string cufft_version() { refuse(); }

}  // namespace gpuconv
