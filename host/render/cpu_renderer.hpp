// cpu_renderer.hpp - the same job without a GPU
#pragma once

#include <memory>

#include "host/methods/method.hpp"

namespace gpuconv {

/// Methods that take one ear at a time hold the whole source and both ears in memory; the
/// vectorised one streams.
std::unique_ptr<Renderer> make_cpu_renderer(const Method& method, const Stereo<Signal>& response);

}  // namespace gpuconv
