// plans.hpp - how each GPU method is planned; no CUDA needed to name them
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

class Convolver;
struct SegmentLengths;
class VoiceConvolver;

/// Both sides have the same length K >= 1 and stand in host memory. `source_length` is the length
/// of the whole source, from which, with K alone, the block length follows.
using PlanConvolver = std::unique_ptr<Convolver>(Stereo<std::span<const float>> response,
                                                 std::int64_t source_length);

PlanConvolver plan_gpu_direct;
PlanConvolver plan_gpu_tiled;
PlanConvolver plan_gpu_radix2;
PlanConvolver plan_gpu_cufft;
PlanConvolver plan_gpu_fourstep;
PlanConvolver plan_gpu_fused;

/// With other lengths than the method's own for a source: blocks of a test are then short.
std::unique_ptr<Convolver> plan_gpu_radix2_with(Stereo<std::span<const float>> response,
                                                const SegmentLengths& lengths);
std::unique_ptr<Convolver> plan_gpu_fused_with(Stereo<std::span<const float>> response,
                                               const SegmentLengths& lengths);
/// The same with batches of at most `scratch_bytes`, or one segment: to measure how large they
/// should be. Bytes of the result do not depend on it.
std::unique_ptr<Convolver> plan_gpu_fourstep_with(Stereo<std::span<const float>> response,
                                                  const SegmentLengths& lengths,
                                                  std::size_t scratch_bytes);

/// What a plan for voices may take of a device; no byte of the result depends on it.
struct VoiceMemory {
  int slots = 1;                                      ///< for responses: how many are of use
  std::size_t response_bytes = std::size_t{4} << 30;  ///< for all slots, unless one takes more
  std::size_t scratch_bytes = std::size_t{64} << 20;  ///< for spectra, unless one takes more
};

/// For voices whose responses have up to `response_length` taps.
using PlanVoices = std::unique_ptr<VoiceConvolver>(int response_length, std::int64_t source_length,
                                                   const VoiceMemory& memory);

PlanVoices plan_voices_direct;
PlanVoices plan_voices_tiled;
PlanVoices plan_voices_radix2;
PlanVoices plan_voices_cufft;
PlanVoices plan_voices_fourstep;
PlanVoices plan_voices_fused;

/// Why cuFFT is missing here; empty if it is not. Opens it.
std::string why_no_cufft();

/// Version and file of the cuFFT that why_no_cufft() opened: "12.0.0 (/usr/lib/libcufft.so.12)".
/// Does not start CUDA. Only where why_no_cufft() is empty.
std::string cufft_version();

}  // namespace gpuconv
