// scene_pass.hpp - the wet sound of some voices of a scene
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "host/base/signal.hpp"
#include "host/render/job.hpp"
#include "host/render/scene.hpp"

namespace gpuconv {

/// Voices that are rendered at a time: as many as have about 1 GiB of spectra. By the number of
/// voices and K only, since the sums of groups are rounded in between.
std::int64_t voices_at_a_time(std::int64_t voices, std::int64_t K);

/// One rendering, from the begin of all sources.
struct Pass {
  std::span<const Part> parts;
  WetLength length = WetLength::full;
  Stretch stretch = Stretch::whole;           ///< of the responses
  WriteWet write = {};                        ///< takes the wanted frames
  std::function<WriteReport()> written = {};  ///< reports what `write` got
  bool is_watched = true;
  std::int64_t at_a_time = 0;  ///< voices; 0: voices_at_a_time()
};

/// Renders with the method of `report`, and adds to its times. Throws Error.
RenderReport render_pass(Scene& scene, const Job& job, JobReport& report, const Pass& pass);

}  // namespace gpuconv
