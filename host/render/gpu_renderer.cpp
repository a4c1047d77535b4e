// gpu_renderer.cpp - the choreography of blocks, streams and two ears
//
//   upload stream   copy block b in, after the end of block b-1 if the convolver has history; what
//                   both ears need                                    -> event source_ready
//   ear streams     as block_queue.hpp; then measure the level
//   download stream of each ear                                       copy finished frames out
//
// kSlots blocks are on their way: one is being read, one copied, one computed and one written, on
// three threads (block_ring.hpp). Fewer without memory for another one, which costs time and
// changes no byte. The reader makes no CUDA call; the writer is the only one who waits for the GPU,
// so that a watchdog sees one wait at a time.
#include "host/render/gpu_renderer.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "cuda/blocks/levels.hpp"
#include "cuda/methods/convolver.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/range.hpp"
#include "host/base/stopwatch.hpp"
#include "host/render/block_queue.hpp"
#include "host/render/block_ring.hpp"
#include "host/render/gpu_errors.hpp"
#include "host/render/stream_trace.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kSlots = 4;
constexpr std::size_t kTailFrames = 1 << 17;  // of a tail that is longer than a block, at a time

/// What one ear needs of a slot.
struct SlotEar {
  SlotEar(std::size_t frames_length, std::size_t wet_length)
      : wet(stored_length(wet_length)), frames(frames_length), level(1), host_level(1) {}
  DeviceBuffer<float> wet;     // block_length + K - 1; the last K - 1 are the tail
  PinnedBuffer<float> frames;  // the finished ones
  DeviceBuffer<BlockLevel> level;
  PinnedBuffer<BlockLevel> host_level;
  Event started, computed, done;
};

/// Everything that one block on its way owns.
struct Slot {
  Slot(std::size_t history, std::size_t block_length, std::size_t frames_length,
       std::size_t wet_length, std::size_t source_spectrum_length)
      : host_source(stored_length(block_length)),
        source(history + host_source.size()),
        source_spectrum(source_spectrum_length),
        ears{SlotEar(frames_length, wet_length), SlotEar(frames_length, wet_length)} {}
  PinnedBuffer<float> host_source;
  DeviceBuffer<float> source;  // samples of the block before, then those of this one
  DeviceBuffer<float> source_spectrum;
  Stereo<SlotEar> ears;
  Event upload_started, uploaded, source_ready;
  std::size_t length = 0;  // samples of source on their way; 0: none
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
        blocks_(*convolver_, overlap_),
        block_length_(static_cast<std::size_t>(convolver_->block_length())),
        frames_length_(std::max(block_length_, std::min(overlap_, kTailFrames))),
        meters_{LevelMeter(frames_length_), LevelMeter(frames_length_)} {}

  RenderReport run(const ReadSource& source, const WriteWet& wet) override {
    RenderReport report;
    levels_ = {};
    times_ = {};
    blocks_.restart();
    newest_source_ = {};
    first_of_next_.reset();
    finish_what_failed();
    trace_.begin(upload_);
    const BlockStages stages{.read = [&](std::size_t i) { return read(source, *slots_[i]); },
                             .has_more = [&] { return has_more(source); },
                             .add_slot = [&] { return add_slot(); },
                             .queue =
                                 [&](std::size_t i) {
                                   report.source_samples +=
                                       static_cast<std::int64_t>(slots_[i]->length);
                                   queue(*slots_[i]);
                                 },
                             .write = [&](std::size_t i) { deliver(*slots_[i], wet); },
                             // Without it, waiting for an event would start device 0 as well.
                             .begin_writing = [device = device_in_use()] { use_device(device); }};
    BlockRing(stages, slot_count_, most_slots_).run();
    if (report.source_samples > 0) deliver_tail(wet);
    report.frames = report.source_samples + static_cast<std::int64_t>(overlap_);
    report.device_levels = levels_;
    report.stages = {{"read", times_.reading.seconds()},
                     {"upload", times_.upload},
                     {"transform source", times_.transform_source},
                     {"compute left", times_.compute.left},
                     {"compute right", times_.compute.right},
                     {"both ears at once", times_.both_ears},
                     {"download left", times_.download.left},
                     {"download right", times_.download.right},
                     {"wait", times_.waiting.seconds()},
                     {"write", times_.writing.seconds()}};
    return report;
  }

 private:
  /// Ends what a run() that failed has left in flight: it still reads and writes the slots.
  void finish_what_failed() {
    bool is_in_flight = false;
    for (std::size_t i = 0; i < slot_count_; ++i) {
      is_in_flight = is_in_flight || slots_[i]->length > 0;
      slots_[i]->length = 0;
    }
    if (!is_in_flight) return;
    upload_.synchronize();
    for (const Side side : kSides) {
      streams_[side].compute.synchronize();
      streams_[side].download.synchronize();
    }
  }

  /// Fills a slot, and what the device reads after the samples. False if it is not full.
  bool read(const ReadSource& source, Slot& slot) {
    const Range range("read");
    const std::span<float> block = slot.host_source.span().first(block_length_);
    slot.length = times_.reading.time([&] {
      if (!first_of_next_) return source(block);
      block[0] = *first_of_next_;
      first_of_next_.reset();
      return 1 + (block.size() > 1 ? source(block.subspan(1)) : 0);
    });
    const auto stored = slot.host_source.span().first(stored_length(slot.length));
    for (float& padding : stored.subspan(slot.length)) padding = 0;
    return slot.length == block_length_;
  }

  /// Whether the source goes on after a full block: found by its next sample, before memory for
  /// another block is taken.
  bool has_more(const ReadSource& source) {
    float sample = 0;
    if (times_.reading.time([&] { return source({&sample, 1}); }) == 0) return false;
    first_of_next_ = sample;
    return true;
  }

  /// False without memory for one more; without any slot that is an error.
  bool add_slot() {
    try {
      slots_[slot_count_].emplace(blocks_.history(), block_length_, frames_length_,
                                  block_length_ + overlap_, convolver_->source_spectrum_size());
      ++slot_count_;
      return true;
    } catch (const CudaError& error) {
      if (slot_count_ == 0 || error.code() != cudaErrorMemoryAllocation) throw;
    }
    most_slots_ = slot_count_;
    if (most_slots_ == 1) blocks_.keep_tails();
    return false;
  }

  /// Where a side is computed; both in one stream if they share their launches.
  const Stream& compute(Side side) const {
    return blocks_.is_per_ear() ? streams_[side].compute : streams_.left.compute;
  }

  /// Queues everything that happens to one block; nobody waits.
  void queue(Slot& slot) {
    if (slot.length == 0) return;
    {
      const Range range("upload");
      slot.upload_started.record(upload_);
      if (!newest_source_.empty()) {
        copy_async(newest_source_.last(blocks_.history()), slot.source.span(), upload_);
      }
      upload_async<float>(slot.host_source.span().first(stored_length(slot.length)),
                          slot.source.span().subspan(blocks_.history()), upload_);
      slot.uploaded.record(upload_);
    }
    BlockRoute route{.source = &upload_, .source_ready = &slot.source_ready};
    Stereo<std::span<float>> wet;
    for (const Side side : kSides) {
      route.ears[side] = &compute(side);
      route.started[side] = &slot.ears[side].started;
      wet[side] = slot.ears[side].wet.span().first(blocks_.wet_size(slot.length));
    }
    Block block{slot.source.span().subspan(blocks_.history(), slot.length),
                slot.source_spectrum.span()};
    if (!newest_source_.empty()) block.history = convolver_->history();
    newest_source_ = slot.source.span().first(blocks_.history() + slot.length);
    blocks_.enqueue(block, wet, route, [&](Side side) {
      SlotEar& ear = slot.ears[side];
      meters_[side].enqueue(wet[side].first(slot.length), ear.level.data(), compute(side));
      ear.computed.record(compute(side));
      const Range range("download", side);
      const Stream& download = streams_[side].download;
      wait(download, ear.computed);
      download_async<float>(wet[side].first(slot.length), ear.frames.span(), download);
      download_async<BlockLevel>(ear.level.span(), ear.host_level.span(), download);
      ear.done.record(download);
    });
  }

  /// Waits for a block in flight and hands its frames on.
  void deliver(Slot& slot, const WriteWet& wet) {
    if (slot.length == 0) return;
    times_.waiting.time([&] {
      const Range range("wait");
      for (const Side side : kSides) slot.ears[side].done.synchronize();
    });
    times_.upload += seconds_between(slot.upload_started, slot.uploaded);
    times_.transform_source += seconds_between(slot.uploaded, slot.source_ready);
    times_.both_ears += both_at_once(slot);
    for (const Side side : kSides) {
      const SlotEar& ear = slot.ears[side];
      times_.compute[side] += seconds_between(ear.started, ear.computed);
      times_.download[side] += seconds_between(ear.computed, ear.done);
      include(levels_[side], *ear.host_level.data());
    }
    if (trace_.is_on()) trace(slot);
    write(wet, slot, slot.length);
    slot.length = 0;
  }

  /// Where a block has been, for the trace that is being taken.
  void trace(const Slot& slot) {
    trace_.span("upload", "upload", slot.upload_started, slot.uploaded);
    const auto convolved = [&](const std::string& row, const Event& started, const Event& end) {
      trace_.span(row, "convolve", started, end);
      trace_.arrow("upload", slot.source_ready, row, started);
    };
    if (!blocks_.is_per_ear()) {
      convolved("both ears", slot.ears.left.started, slot.ears.right.computed);
    } else {
      trace_.span("upload", "transform source", slot.uploaded, slot.source_ready);
    }
    for (const Side side : kSides) {
      const SlotEar& ear = slot.ears[side];
      if (blocks_.is_per_ear()) convolved(std::string(name(side)), ear.started, ear.computed);
      const std::string download = std::string("download ").append(name(side));
      trace_.span(download, "download", ear.computed, ear.done);
      trace_.arrow(!blocks_.is_per_ear() ? "both ears" : std::string(name(side)), ear.computed,
                   download, ear.computed);
    }
  }

  /// Queues what a full block, after which nothing came, has left to do: in one stream, since its
  /// tail is all there is to wait for.
  void queue_tail(Slot& slot) {
    const Stream& stream = compute(Side::left);
    const Block after{
        newest_source_.last(0), slot.source_spectrum.span(), 1, {}, convolver_->history()};
    const auto wet = [&](Side side) {
      return slot.ears[side].wet.span().first(blocks_.wet_size(0));
    };
    blocks_.enqueue(after, {wet(Side::left), wet(Side::right)},
                    {.source = &stream, .ears = {&stream, &stream}}, [](Side) {});
    times_.waiting.time([&] { stream.synchronize(); });
  }

  /// What sounds on after the last sample of the source: K - 1 frames, through one slot's buffers.
  void deliver_tail(const WriteWet& wet) {
    Slot& slot = *slots_.front();
    if (!blocks_.has_tail()) queue_tail(slot);
    for (std::size_t from = 0; from < overlap_; from += frames_length_) {
      const std::size_t length = std::min(frames_length_, overlap_ - from);
      for (const Side side : kSides) {
        const Range range("download", side);
        const Stream& stream = compute(side);
        SlotEar& ear = slot.ears[side];
        const std::span<const float> part = blocks_.tail(side).subspan(from, length);
        meters_[side].enqueue(part, ear.level.data(), stream);
        download_async<float>(part, ear.frames.span(), stream);
        download_async<BlockLevel>(ear.level.span(), ear.host_level.span(), stream);
      }
      for (const Side side : kSides) {
        times_.waiting.time([&] { compute(side).synchronize(); });
        include(levels_[side], *slot.ears[side].host_level.data());
      }
      write(wet, slot, length);
    }
  }

  void write(const WriteWet& wet, const Slot& slot, std::size_t length) {
    const Range range("write");
    times_.writing.time([&] {
      wet({slot.ears.left.frames.span().first(length),
           slot.ears.right.frames.span().first(length)});
    });
  }

  /// Seconds during which both ears were being computed.
  static double both_at_once(const Slot& slot) {
    const auto since_ready = [&](const Event& event) {
      return seconds_between(slot.source_ready, event);
    };
    const SlotEar& left = slot.ears.left;
    const SlotEar& right = slot.ears.right;
    return std::max(0.0, std::min(since_ready(left.computed), since_ready(right.computed)) -
                             std::max(since_ready(left.started), since_ready(right.started)));
  }

  static void include(Level& total, const BlockLevel& part) {
    total.peak = std::max(total.peak, part.peak);
    total.over += part.over;
  }

  std::size_t overlap_;  // K - 1
  // Streams before what is used on them: members die in reverse.
  Stream upload_;
  Stereo<EarStreams> streams_;
  std::unique_ptr<Convolver> convolver_;
  BlockQueue blocks_;
  std::size_t block_length_;
  std::size_t frames_length_;  // of the buffers through which frames leave
  Stereo<LevelMeter> meters_;
  std::size_t most_slots_ = kSlots;
  std::size_t slot_count_ = 0;
  std::array<std::optional<Slot>, kSlots> slots_;  // made when first needed: one for a short source

  // Of one run().
  std::optional<float> first_of_next_;    // the reader's
  std::span<const float> newest_source_;  // the latest block, with what comes before it
  StreamTrace trace_;                     // from here on: the writer's, and the caller's at the end
  Stereo<Level> levels_;
  struct Times {
    Stopwatch reading;  // the reader's
    Stopwatch waiting, writing;
    double upload = 0;
    double transform_source = 0;
    Stereo<double> compute, download;
    double both_ears = 0;
  };
  Times times_;
};

/// Passes frames on, whatever device the caller uses; what CUDA and cuFFT throw becomes an error of
/// ours.
class Translating final : public Renderer {
 public:
  Translating(std::unique_ptr<Renderer> renderer, int device)
      : renderer_(std::move(renderer)), device_(device) {}
  RenderReport run(const ReadSource& source, const WriteWet& wet) override {
    return on_gpu(device_, [&] { return renderer_->run(source, wet); });
  }

 private:
  std::unique_ptr<Renderer> renderer_;
  int device_;
};

}  // namespace

void limit_gpu_memory(std::size_t bytes) { limit_device_memory(bytes); }

std::unique_ptr<Renderer> make_gpu_renderer(PlanConvolver* plan, const Stereo<Signal>& response,
                                            std::int64_t source_length, int device) {
  return on_gpu(device, [&] {
    return std::make_unique<Translating>(
        std::make_unique<GpuRenderer>(plan, response, source_length), device);
  });
}

}  // namespace gpuconv
