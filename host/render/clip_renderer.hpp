// clip_renderer.hpp - many short sources with one response in one launch of a GPU
//
//   ClipMemory     what a group of clips needs of a device, and the pinned memory in which the
//                  caller puts samples and finds frames
//   ClipRenderer   a method's plan for one response and one bucket
//
// A batch and the library's Plan convolve clips with these. The bytes of each clip are those that
// make_renderer() gives it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "cuda/blocks/level.hpp"
#include "host/base/signal.hpp"
#include "host/render/clip_layout.hpp"

namespace gpuconv {

class ClipMemory {
 public:
  virtual ~ClipMemory() = default;

  /// Puts a clip in its place, with the zeros after it. Several threads may put several clips.
  void put(const ClipPlace& place, std::span<const float> samples) const;

  /// After ClipRenderer::run(), until the next clip is put: frames and levels of the clip that is
  /// `index` in the layout.
  Stereo<std::span<const float>> frames(const ClipPlace& place) const;
  virtual Stereo<Level> levels(std::size_t index) const = 0;

 protected:
  virtual std::span<float> source() const = 0;  ///< kGroupSamples, and some for padding
  virtual Stereo<std::span<const float>> wet() const = 0;
};

class ClipRenderer {
 public:
  virtual ~ClipRenderer() = default;

  /// Convolves all clips of the layout, and waits for the end. `memory` is of the same device, and
  /// nobody else uses it or this renderer meanwhile. Throws GpuError.
  virtual void run(ClipMemory& memory, const ClipLayout& layout) = 0;
};

/// For groups of up to `most_clips` clips. Throws GpuError, also where there is too little memory.
std::unique_ptr<ClipMemory> make_clip_memory(int device, std::size_t most_clips);

/// Plans for the bucket of sources of N samples. Throws GpuError.
std::unique_ptr<ClipRenderer> make_clip_renderer(const Method& method,
                                                 const Stereo<Signal>& response, std::int64_t N,
                                                 int device);

}  // namespace gpuconv
