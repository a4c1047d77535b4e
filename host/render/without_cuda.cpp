// without_cuda.cpp - the renderer of a program that was built without GPU methods
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "host/render/clip_renderer.hpp"
#include "host/render/gpu_renderer.hpp"
#include "host/render/gpu_scene_renderer.hpp"
#include "host/render/watchdog.hpp"

namespace gpuconv {

void limit_gpu_memory(std::size_t) {}  // nothing is taken

void watch_gpu(int) {}  // nobody waits

std::unique_ptr<Renderer> make_gpu_renderer(PlanConvolver*, const Stereo<Signal>&, std::int64_t,
                                            int) {
  throw GpuError(query_devices().why_none);
}

std::unique_ptr<ClipMemory> make_clip_memory(int, std::size_t) {
  throw GpuError(query_devices().why_none);
}

std::unique_ptr<SceneRenderer> make_gpu_scene_renderer(const Method&, SceneResponses,
                                                       std::vector<Voice>, std::int64_t, int) {
  throw GpuError(query_devices().why_none);
}

std::unique_ptr<ClipRenderer> make_clip_renderer(const Method&, const Stereo<Signal>&, std::int64_t,
                                                 int) {
  throw GpuError(query_devices().why_none);
}

}  // namespace gpuconv
