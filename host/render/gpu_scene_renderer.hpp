// gpu_scene_renderer.hpp - scenes on a CUDA device
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/methods/plans.hpp"
#include "host/render/scene_renderer.hpp"

namespace gpuconv {

/// On CUDA device `device`, with a method that has a plan for voices. Responses are on the device
/// as far as its memory allows, and are loaded again where it does not. Throws GpuError, also if
/// the method cannot take responses so long, and std::invalid_argument as check_voices().
std::unique_ptr<SceneRenderer> make_gpu_scene_renderer(const Method& method,
                                                       SceneResponses responses,
                                                       std::vector<Voice> voices,
                                                       std::int64_t length, int device);

/// The same with a plan for voices, and what it may take of the device.
std::unique_ptr<SceneRenderer> make_gpu_scene_renderer(PlanVoices* plan, SceneResponses responses,
                                                       std::vector<Voice> voices,
                                                       std::int64_t length, int device,
                                                       const VoiceMemory& memory);

}  // namespace gpuconv
