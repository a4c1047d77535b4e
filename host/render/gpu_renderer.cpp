// gpu_renderer.cpp - the choreography of blocks, streams and two ears
//
//   upload stream   copy block b in, transform what both ears need    -> event source_ready
//   ear streams     wait for it; convolve; add the tail of block b-1; measure the level
//   download stream of each ear                                       copy finished frames out
//
// kSlots blocks are in flight, so that copy-in, computing and copy-out of neighbouring blocks
// overlap. Between the upload of a block and its end the left and the right ear share no stream
// and no event. The host waits for a slot only when it needs it again.
#include <algorithm>
#include <array>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/range.hpp"
#include "cuda/wet/levels.hpp"
#include "cuda/wet/overlap_add.hpp"
#include "host/error.hpp"
#include "host/render/renderer.hpp"
#include "host/render/stopwatch.hpp"

namespace gpuconv {
namespace {

constexpr int kSlots = 3;

/// What one ear needs of a slot.
struct SlotEar {
  explicit SlotEar(std::size_t block_length, std::size_t wet_length)
      : wet(wet_length), frames(block_length), level(1), host_level(1) {}
  DeviceBuffer<float> wet;     // block_length + K - 1; the last K - 1 are the next block's tail
  PinnedBuffer<float> frames;  // the finished ones
  DeviceBuffer<Level> level;
  PinnedBuffer<Level> host_level;
  Event started, computed, done;
};

/// Everything that one block in flight owns.
struct Slot {
  Slot(std::size_t block_length, std::size_t wet_length, std::size_t common_length)
      : host_source(block_length),
        source(block_length),
        common(common_length),
        ears{SlotEar(block_length, wet_length), SlotEar(block_length, wet_length)} {}
  std::span<const float> wet(Side side) const { return ears[side].wet.span(); }

  PinnedBuffer<float> host_source;
  DeviceBuffer<float> source;
  DeviceBuffer<float> common;
  Stereo<SlotEar> ears;
  Event upload_started, source_ready;
  std::size_t length = 0;  // samples of source; 0: not in flight
};

struct EarStreams {
  Stream compute;
  Stream download;
};

class GpuRenderer final : public Renderer {
 public:
  GpuRenderer(PlanConvolver* plan, const Stereo<Signal>& response, std::int64_t source_length)
      : overlap_(response.left.size() - 1),
        convolver_(plan({response.left, response.right}, source_length)),
        block_length_(static_cast<std::size_t>(convolver_->block_length())),
        meters_{LevelMeter(block_length_), LevelMeter(block_length_)} {
    slots_.reserve(kSlots);  // slots are made when first needed: short sources need one
  }

  RenderReport render(const ReadSource& source, const WriteWet& wet) override {
    RenderReport report;
    Stereo<Level> levels;
    const Slot* previous = nullptr;
    std::size_t next = 0;
    for (;; next = (next + 1) % kSlots) {
      if (next == slots_.size()) {
        slots_.emplace_back(block_length_, block_length_ + overlap_, convolver_->common_size());
      }
      Slot& slot = slots_[next];
      deliver(slot, wet, levels);
      slot.length = read(source, slot);
      if (slot.length == 0) break;
      report.source_samples += static_cast<std::int64_t>(slot.length);
      queue(slot, previous);
      previous = &slot;
      if (slot.length < block_length_) break;
    }
    // The oldest block in flight stands behind the newest.
    for (std::size_t i = 1; i <= slots_.size(); ++i) {
      deliver(slots_[(next + i) % slots_.size()], wet, levels);
    }
    if (previous != nullptr) deliver_tail(wet, levels);
    report.frames = report.source_samples + static_cast<std::int64_t>(overlap_);
    report.device_levels = levels;
    report.stages = {{"read", reading_.seconds()},
                     {"upload", upload_seconds_},
                     {"compute left", compute_seconds_.left},
                     {"compute right", compute_seconds_.right},
                     {"download left", download_seconds_.left},
                     {"download right", download_seconds_.right},
                     {"wait", waiting_.seconds()},
                     {"write", writing_.seconds()}};
    return report;
  }

 private:
  std::size_t read(const ReadSource& source, Slot& slot) {
    const Range range("read");
    return reading_.time([&] { return source(slot.host_source.span()); });
  }

  /// Queues everything that happens to one block; nobody waits.
  void queue(Slot& slot, const Slot* previous) {
    const Block block{slot.source.span().first(slot.length), slot.common.span()};
    {
      const Range range("upload");
      slot.upload_started.record(upload_);
      upload_async<float>(slot.host_source.span().first(slot.length), slot.source.span(), upload_);
      convolver_->enqueue_common(block, upload_);
      slot.source_ready.record(upload_);
    }
    for (const Side side : kSides) {
      const Stream& compute = streams_[side].compute;
      SlotEar& ear = slot.ears[side];
      const std::span<float> wet = ear.wet.span().first(slot.length + overlap_);
      wait(compute, slot.source_ready);
      {
        const Range range("convolve", side);
        ear.started.record(compute);
        convolver_->enqueue(side, block, wet, compute);
        if (previous != nullptr) {
          enqueue_overlap_add(previous->wet(side).subspan(block_length_, overlap_), wet, compute);
        }
        meters_[side].enqueue(wet.first(slot.length), ear.level.data(), compute);
        ear.computed.record(compute);
      }
      newest_[side] = wet;
      const Range range("download", side);
      const Stream& download = streams_[side].download;
      wait(download, ear.computed);
      download_async<float>(wet.first(slot.length), ear.frames.span(), download);
      download_async<Level>(ear.level.span(), ear.host_level.span(), download);
      ear.done.record(download);
    }
  }

  /// Waits for a block in flight and hands its frames on.
  void deliver(Slot& slot, const WriteWet& wet, Stereo<Level>& levels) {
    if (slot.length == 0) return;
    waiting_.time([&] {
      const Range range("wait");
      for (const Side side : kSides) slot.ears[side].done.synchronize();
    });
    upload_seconds_ += seconds_between(slot.upload_started, slot.source_ready);
    for (const Side side : kSides) {
      const SlotEar& ear = slot.ears[side];
      compute_seconds_[side] += seconds_between(ear.started, ear.computed);
      download_seconds_[side] += seconds_between(ear.computed, ear.done);
      include(levels[side], *ear.host_level.data());
    }
    write(wet, slot, slot.length);
    slot.length = 0;
  }

  /// What sounds on after the last sample of the source: K - 1 frames, through one slot's buffers.
  void deliver_tail(const WriteWet& wet, Stereo<Level>& levels) {
    Slot& slot = slots_.front();
    Stereo<std::span<const float>> tail;
    for (const Side side : kSides) tail[side] = newest_[side].last(overlap_);
    for (std::size_t from = 0; from < overlap_; from += block_length_) {
      const std::size_t length = std::min(block_length_, overlap_ - from);
      for (const Side side : kSides) {
        const Range range("download", side);
        const Stream& stream = streams_[side].compute;
        SlotEar& ear = slot.ears[side];
        const std::span<const float> part = tail[side].subspan(from, length);
        meters_[side].enqueue(part, ear.level.data(), stream);
        download_async<float>(part, ear.frames.span(), stream);
        download_async<Level>(ear.level.span(), ear.host_level.span(), stream);
      }
      for (const Side side : kSides) {
        waiting_.time([&] { streams_[side].compute.synchronize(); });
        include(levels[side], *slot.ears[side].host_level.data());
      }
      write(wet, slot, length);
    }
  }

  void write(const WriteWet& wet, const Slot& slot, std::size_t length) {
    const Range range("write");
    writing_.time([&] {
      wet({slot.ears.left.frames.span().first(length),
           slot.ears.right.frames.span().first(length)});
    });
  }

  static void include(Level& total, const Level& part) {
    total.peak = std::max(total.peak, part.peak);
    total.over += part.over;
  }

  std::size_t overlap_;  // K - 1
  // Streams before what is used on them: members die in reverse.
  Stream upload_;
  Stereo<EarStreams> streams_;
  std::unique_ptr<Convolver> convolver_;
  std::size_t block_length_;
  Stereo<LevelMeter> meters_;
  std::vector<Slot> slots_;
  Stereo<std::span<const float>> newest_;  // wet signals of the latest block, on the device

  Stopwatch reading_, waiting_, writing_;
  double upload_seconds_ = 0;
  Stereo<double> compute_seconds_, download_seconds_;
};

/// Passes frames on; what CUDA and cuFFT throw becomes an error of ours.
class Translating final : public Renderer {
 public:
  explicit Translating(std::unique_ptr<Renderer> renderer) : renderer_(std::move(renderer)) {}
  RenderReport render(const ReadSource& source, const WriteWet& wet) override {
    try {
      return renderer_->render(source, wet);
    } catch (const CudaError& error) {
      throw GpuError(std::string("GPU: ") + error.what());
    } catch (const CufftError& error) {
      throw GpuError(error.what());
    }
  }

 private:
  std::unique_ptr<Renderer> renderer_;
};

}  // namespace

std::unique_ptr<Renderer> make_gpu_renderer(PlanConvolver* plan, const Stereo<Signal>& response,
                                            std::int64_t source_length, int device) {
  try {
    use_device(device);
    return std::make_unique<Translating>(
        std::make_unique<GpuRenderer>(plan, response, source_length));
  } catch (const CudaError& error) {
    throw GpuError(std::string("GPU: ") + error.what());
  } catch (const CufftError& error) {
    throw GpuError(error.what());
  }
}

}  // namespace gpuconv
