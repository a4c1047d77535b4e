// cpu_renderer.hpp - the same job without a GPU
#pragma once

#include <memory>

#include "host/methods/cpu_vectorised.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

/// Memory does not grow with the source: methods that take one ear at a time hold a block of it and
/// both ears (see cpu_lengths.hpp), the vectorised one streams.
std::unique_ptr<Renderer> make_cpu_renderer(const Method& method, const Stereo<Signal>& response);

/// By "cpu-vectorised", with a plan that others may use, too.
std::unique_ptr<Renderer> make_cpu_renderer(std::shared_ptr<const VectorisedConvolver> convolver,
                                            SourceThread source_thread = SourceThread::calling);

/// Whether the method is the one of the function above.
bool is_vectorised(const Method& method);

}  // namespace gpuconv
