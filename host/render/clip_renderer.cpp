#include "host/render/clip_renderer.hpp"

#include <algorithm>
#include <exception>
#include <vector>

#include "cuda/blocks/levels.hpp"
#include "cuda/methods/convolver.hpp"
#include "cuda/runtime/range.hpp"
#include "cuda/runtime/resources.hpp"
#include "host/render/gpu_errors.hpp"

namespace gpuconv {
namespace {

class GpuClipMemory final : public ClipMemory {
 public:
  explicit GpuClipMemory(std::size_t most_clips)
      : host_source_(kLength),
        source_(kLength),
        host_clips_(most_clips),
        clips_(most_clips),
        levels_(2 * kLevelParts * most_clips),
        host_levels_(levels_.size()) {
    for (const Side side : kSides) {
      wet_[side] = DeviceBuffer<float>(kLength);
      frames_[side] = PinnedBuffer<float>(kLength);
    }
  }

  Stereo<Level> levels(std::size_t index) const override {
    Stereo<Level> of_ears;
    for (const Side side : kSides) {
      const std::size_t ear = 2 * index + (side == Side::left ? 0 : 1);
      for (const BlockLevel& part : host_levels_.span().subspan(ear * kLevelParts, kLevelParts)) {
        of_ears[side].peak = std::max(of_ears[side].peak, part.peak);
        of_ears[side].over += part.over;
      }
    }
    return of_ears;
  }

  void run(Convolver& convolver, const ClipLayout& layout) {
    try {
      queue(convolver, layout);
      stream_.synchronize();
    } catch (...) {
      // What was queued still reads and writes the pinned memory.
      try {
        stream_.synchronize();
      } catch (const CudaError&) {  // the first error is the one to report
      }
      throw;
    }
  }

 protected:
  std::span<float> source() const override { return host_source_.span(); }
  Stereo<std::span<const float>> wet() const override {
    return {frames_.left.span(), frames_.right.span()};
  }

 private:
  static constexpr std::size_t kLength = stored_length(kGroupSamples);

  void queue(Convolver& convolver, const ClipLayout& layout) {
    const Range range("clips");
    const std::size_t size = layout.size();
    const std::span<float> stored = host_source_.span().first(stored_length(size));
    std::ranges::fill(stored.subspan(size), 0.0F);
    const std::size_t clips = layout.places().size();
    std::ranges::transform(layout.places(), host_clips_.span().begin(), [](const ClipPlace& place) {
      return ClipFrames{static_cast<int>(place.start), static_cast<int>(place.frames)};
    });
    upload_async<float>(stored, source_.span(), stream_);
    upload_async<ClipFrames>(host_clips_.span().first(clips), clips_.span(), stream_);
    const std::size_t after = static_cast<std::size_t>(layout.lengths().taps) - 1;
    const Stereo<std::span<float>> wet{wet_.left.span().first(size), wet_.right.span().first(size)};
    convolver.enqueue_both({source_.span().first(size - after), {}}, wet, stream_);
    enqueue_clip_levels({wet.left, wet.right}, clips_.span().first(clips), levels_.span(), stream_);
    for (const Side side : kSides) {
      download_async<float>(wet[side], frames_[side].span(), stream_);
    }
    download_async<BlockLevel>(levels_.span().first(2 * kLevelParts * clips), host_levels_.span(),
                               stream_);
  }

  Stream stream_;  // before what is used on it: members die in reverse
  PinnedBuffer<float> host_source_;
  DeviceBuffer<float> source_;
  PinnedBuffer<ClipFrames> host_clips_;
  DeviceBuffer<ClipFrames> clips_;
  Stereo<DeviceBuffer<float>> wet_;
  Stereo<PinnedBuffer<float>> frames_;
  DeviceBuffer<BlockLevel> levels_;
  PinnedBuffer<BlockLevel> host_levels_;
};

class GpuClipRenderer final : public ClipRenderer {
 public:
  GpuClipRenderer(const Method& method, const Stereo<Signal>& response, std::int64_t N, int device)
      : device_(device), convolver_(method.plan({response.left, response.right}, N)) {}

  void run(ClipMemory& memory, const ClipLayout& layout) override {
    on_gpu(device_, [&] { dynamic_cast<GpuClipMemory&>(memory).run(*convolver_, layout); });
  }

 private:
  int device_;
  std::unique_ptr<Convolver> convolver_;
};

}  // namespace

std::unique_ptr<ClipMemory> make_clip_memory(int device, std::size_t most_clips) {
  return on_gpu(device, [&] { return std::make_unique<GpuClipMemory>(most_clips); });
}

std::unique_ptr<ClipRenderer> make_clip_renderer(const Method& method,
                                                 const Stereo<Signal>& response, std::int64_t N,
                                                 int device) {
  return on_gpu(device,
                [&] { return std::make_unique<GpuClipRenderer>(method, response, N, device); });
}

}  // namespace gpuconv
