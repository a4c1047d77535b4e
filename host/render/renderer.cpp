#include "host/render/renderer.hpp"

#include "cuda/runtime/range.hpp"
#include "host/render/cpu_renderer.hpp"
#include "host/render/gpu_renderer.hpp"

namespace gpuconv {

std::unique_ptr<Renderer> make_renderer(const Method& method, const Stereo<Signal>& response,
                                        std::int64_t source_length, int device) {
  const Range range("plan");
  if (method.processor == Processor::cpu) return make_cpu_renderer(method, response);
  return make_gpu_renderer(method.plan, response, source_length, device);
}

}  // namespace gpuconv
