// gpu_scene_renderer.cpp - groups of voices through a ring of slots, sums of blocks out of it
//
//   upload stream     samples, taps and lists of a group                   -> event uploaded
//   compute stream    new responses, sums of the group; after the last one of a block: the wet
//                     signal, plus the tail of the block before; its level    -> event computed
//   download stream   finished frames                                      -> event done
//
// The ring is that of gpu_renderer.cpp (block_ring.hpp), with groups for blocks: only the last
// group of a block has frames.
#include "host/render/gpu_scene_renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "cuda/blocks/levels.hpp"
#include "cuda/blocks/overlap_add.hpp"
#include "cuda/methods/voices.hpp"
#include "cuda/runtime/range.hpp"
#include "host/render/block_ring.hpp"
#include "host/render/gpu_errors.hpp"
#include "host/render/stream_trace.hpp"
#include "host/render/voice_packer.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kSceneSlots = 4;
constexpr std::size_t kSceneTailFrames = 1
                                         << 17;  // of a tail that is longer than a block, at a time

struct SceneEar {
  SceneEar(std::size_t frames_length, std::size_t wet_length)
      : wet(stored_length(wet_length)), frames(frames_length), level(1), host_level(1) {}
  DeviceBuffer<float> wet;
  PinnedBuffer<float> frames;
  DeviceBuffer<BlockLevel> level;
  PinnedBuffer<BlockLevel> host_level;
};

/// Everything that one group on its way owns.
struct SceneSlot {
  SceneSlot(std::size_t memory_size, std::size_t frames_length, std::size_t wet_length)
      : host_memory(memory_size),
        memory(memory_size),
        ears{SceneEar(frames_length, wet_length), SceneEar(frames_length, wet_length)} {}
  PinnedBuffer<float> host_memory;
  DeviceBuffer<float> memory;
  PackedVoices group;
  Stereo<SceneEar> ears;
  Event upload_started, uploaded, compute_started, computed, done;
  bool is_in_flight = false;
};

/// The plan with as much memory for responses as there is, and `build(plan)`, which takes the rest.
template <typename Build>
auto with_plan(PlanVoices* plan, int response_length, std::int64_t length, VoiceMemory memory,
               const Build& build) {
  memory.response_bytes = std::min(memory.response_bytes, free_device_memory() / 2);
  memory.scratch_bytes = std::min(memory.scratch_bytes, l2_cache_bytes() / 2);
  for (;;) {
    int slots = 0;
    try {
      std::unique_ptr<VoiceConvolver> convolver = plan(response_length, length, memory);
      slots = convolver->slots();
      return build(std::move(convolver));
    } catch (const CudaError& error) {
      const bool has_less = slots > 1 || (slots == 0 && memory.response_bytes > 1);
      if (error.code() != cudaErrorMemoryAllocation || !has_less) throw;
    }
    memory.response_bytes /= 2;
  }
}

class GpuSceneRenderer final : public SceneRenderer {
 public:
  GpuSceneRenderer(std::unique_ptr<VoiceConvolver> convolver, const SceneResponses& responses,
                   const std::vector<Voice>& voices)
      : overlap_(static_cast<std::size_t>(responses.longest - 1)),
        convolver_(std::move(convolver)),
        block_length_(static_cast<std::size_t>(convolver_->block_length())),
        frames_length_(std::max(block_length_, std::min(overlap_, kSceneTailFrames))),
        packer_(responses, voices,
                {convolver_->grid(), convolver_->block_length(), convolver_->slots()}),
        meters_{LevelMeter(frames_length_), LevelMeter(frames_length_)},
        tails_{DeviceBuffer<float>(overlap_), DeviceBuffer<float>(overlap_)},
        voices_(voices) {
    make_slot();
  }

  RenderReport run(std::span<const SceneSource> sources, const WriteWet& wet) override {
    check_sources(voices_, sources.size());
    levels_ = {};
    times_ = {};
    has_tail_ = false;
    finish_what_failed();
    packer_.restart(sources);
    trace_.begin(upload_);
    const BlockStages stages{.read =
                                 [&](std::size_t i) {
                                   packer_.next(slots_[i]->group, slots_[i]->host_memory.span());
                                   return !slots_[i]->group.is_end;
                                 },
                             .has_more = [] { return true; },
                             .add_slot = [&] { return add_slot(); },
                             .queue = [&](std::size_t i) { queue(*slots_[i]); },
                             .write = [&](std::size_t i) { deliver(*slots_[i], wet); },
                             // Without it, waiting for an event would start device 0 as well.
                             .begin_writing = [device = device_in_use()] { use_device(device); }};
    BlockRing(stages, slot_count_, kSceneSlots).run();
    RenderReport report;
    report.source_samples = packer_.source_samples();
    if (report.source_samples > 0) {
      report.frames = report.source_samples + static_cast<std::int64_t>(overlap_);
      deliver_tail(wet);
    }
    report.device_levels = levels_;
    report.stages = {{"read", packer_.seconds_reading()}, {"upload", times_.upload},
                     {"compute", times_.compute},         {"download", times_.download},
                     {"wait", times_.waiting.seconds()},  {"write", times_.writing.seconds()}};
    return report;
  }

 private:
  void make_slot() {
    slots_[slot_count_].emplace(packer_.memory_size(), frames_length_, block_length_ + overlap_);
    ++slot_count_;
  }

  /// False without memory for one more.
  bool add_slot() {
    try {
      make_slot();
      return true;
    } catch (const CudaError& error) {
      if (error.code() != cudaErrorMemoryAllocation) throw;
      return false;
    }
  }

  /// Ends what a run() that failed has left in flight: it still reads and writes the slots.
  void finish_what_failed() {
    bool is_in_flight = false;
    for (std::size_t i = 0; i < slot_count_; ++i) {
      is_in_flight = is_in_flight || slots_[i]->is_in_flight;
      slots_[i]->is_in_flight = false;
    }
    if (!is_in_flight) return;
    for (const Stream* stream : {&upload_, &compute_, &download_}) stream->synchronize();
  }

  /// Queues everything that happens to a group; nobody waits.
  void queue(SceneSlot& slot) {
    const PackedVoices& group = slot.group;
    if (group.used == 0 && group.length == 0) return;
    slot.is_in_flight = true;
    {
      const Range range("upload");
      slot.upload_started.record(upload_);
      if (group.used > 0) {
        upload_async<float>(slot.host_memory.span().first(group.used), slot.memory.span(), upload_);
      }
      slot.uploaded.record(upload_);
    }
    wait(compute_, slot.uploaded);
    slot.compute_started.record(compute_);
    enqueue_sums(slot);
    if (group.length > 0) enqueue_wet(slot);
    slot.computed.record(compute_);
    if (group.length > 0) {
      const Range range("download");
      wait(download_, slot.computed);
      for (const Side side : kSides) {
        SceneEar& ear = slot.ears[side];
        download_async<float>(ear.wet.span().first(group.length), ear.frames.span(), download_);
        download_async<BlockLevel>(ear.level.span(), ear.host_level.span(), download_);
      }
      slot.done.record(download_);
    }
  }

  void enqueue_sums(const SceneSlot& slot) {
    const Range range("convolve");
    const PackedVoices& group = slot.group;
    const float* const memory = slot.memory.data();
    for (const PackedResponse& response : group.responses) {
      Stereo<std::span<const float>> taps;
      for (const Side side : kSides) taps[side] = {memory + response.at[side], response.taps};
      convolver_->enqueue_response(response.slot, taps, compute_);
    }
    const DeviceVoices voices{memory, reinterpret_cast<const VoiceTile*>(memory + group.tiles_at),
                              reinterpret_cast<const VoiceItem*>(memory + group.items_at)};
    convolver_->enqueue_voices(group.lists, voices, compute_);
  }

  /// The block's sums as wet signals, joined to the block before, and their level.
  void enqueue_wet(SceneSlot& slot) {
    const PackedVoices& group = slot.group;
    Stereo<std::span<float>> wet;
    for (const Side side : kSides) {
      wet[side] = slot.ears[side].wet.span().first(group.length + overlap_);
    }
    convolver_->enqueue_wet(group.runs, static_cast<int>(group.length), wet, compute_);
    if (has_tail_) {
      enqueue_overlap_add({tails_.left.span(), tails_.right.span()}, wet, compute_);
    }
    for (const Side side : kSides) {
      if (overlap_ > 0) {
        copy_async<float>(wet[side].last(overlap_), tails_[side].span(), compute_);
      }
      meters_[side].enqueue(wet[side].first(group.length), slot.ears[side].level.data(), compute_);
    }
    has_tail_ = true;
  }

  /// Waits for a group in flight and hands the frames on that it has finished.
  void deliver(SceneSlot& slot, const WriteWet& wet) {
    if (!slot.is_in_flight) return;
    const bool has_frames = slot.group.length > 0;
    times_.waiting.time([&] {
      const Range range("wait");
      (has_frames ? slot.done : slot.computed).synchronize();
    });
    times_.upload += seconds_between(slot.upload_started, slot.uploaded);
    times_.compute += seconds_between(slot.compute_started, slot.computed);
    if (has_frames) times_.download += seconds_between(slot.computed, slot.done);
    if (trace_.is_on()) {
      trace_.span("upload", "upload", slot.upload_started, slot.uploaded);
      trace_.span("both ears", "convolve", slot.compute_started, slot.computed);
      trace_.arrow("upload", slot.uploaded, "both ears", slot.compute_started);
      if (has_frames) {
        trace_.span("download", "download", slot.computed, slot.done);
        trace_.arrow("both ears", slot.computed, "download", slot.computed);
      }
    }
    slot.is_in_flight = false;
    if (!has_frames) return;
    include_levels(slot);
    write(wet, slot, slot.group.length);
  }

  /// What sounds on after the last sample: K - 1 frames, through one slot's buffers.
  void deliver_tail(const WriteWet& wet) {
    SceneSlot& slot = *slots_.front();
    for (std::size_t from = 0; from < overlap_; from += frames_length_) {
      const std::size_t length = std::min(frames_length_, overlap_ - from);
      for (const Side side : kSides) {
        SceneEar& ear = slot.ears[side];
        const std::span<const float> part = tails_[side].span().subspan(from, length);
        meters_[side].enqueue(part, ear.level.data(), compute_);
        download_async<float>(part, ear.frames.span(), compute_);
        download_async<BlockLevel>(ear.level.span(), ear.host_level.span(), compute_);
      }
      times_.waiting.time([&] { compute_.synchronize(); });
      include_levels(slot);
      write(wet, slot, length);
    }
  }

  void include_levels(const SceneSlot& slot) {
    for (const Side side : kSides) {
      const BlockLevel& part = *slot.ears[side].host_level.data();
      levels_[side].peak = std::max(levels_[side].peak, part.peak);
      levels_[side].over += part.over;
    }
  }

  void write(const WriteWet& wet, const SceneSlot& slot, std::size_t length) {
    const Range range("write");
    times_.writing.time([&] {
      wet({slot.ears.left.frames.span().first(length),
           slot.ears.right.frames.span().first(length)});
    });
  }

  std::size_t overlap_;  // K - 1
  // Streams before what is used on them: members die in reverse.
  Stream upload_, compute_, download_;
  std::unique_ptr<VoiceConvolver> convolver_;
  std::size_t block_length_;
  std::size_t frames_length_;  // of the buffers through which frames leave
  VoicePacker packer_;         // the reader's
  Stereo<LevelMeter> meters_;
  Stereo<DeviceBuffer<float>> tails_;  // what sounds on after the latest block
  std::vector<Voice> voices_;
  std::size_t slot_count_ = 0;
  std::array<std::optional<SceneSlot>, kSceneSlots> slots_;

  // Of one run().
  bool has_tail_ = false;
  StreamTrace trace_;  // from here on: the writer's, and the caller's at the end
  Stereo<Level> levels_;
  struct Times {
    Stopwatch waiting, writing;
    double upload = 0, compute = 0, download = 0;
  };
  Times times_;
};

class OnGpu final : public SceneRenderer {
 public:
  OnGpu(std::unique_ptr<SceneRenderer> renderer, int device)
      : renderer_(std::move(renderer)), device_(device) {}
  RenderReport run(std::span<const SceneSource> sources, const WriteWet& wet) override {
    return on_gpu(device_, [&] { return renderer_->run(sources, wet); });
  }

 private:
  std::unique_ptr<SceneRenderer> renderer_;
  int device_;
};

}  // namespace

std::unique_ptr<SceneRenderer> make_gpu_scene_renderer(PlanVoices* plan, SceneResponses responses,
                                                       std::vector<Voice> voices,
                                                       std::int64_t length, int device,
                                                       const VoiceMemory& memory) {
  check_voices(voices, responses.count);
  // Of a scene without voices or without sound.
  responses.longest = std::max<std::int64_t>(responses.longest, 1);
  length = std::max<std::int64_t>(length, 1);
  return on_gpu(device, [&] {
    auto renderer = with_plan(plan, static_cast<int>(responses.longest), length, memory,
                              [&](std::unique_ptr<VoiceConvolver> convolver) {
                                return std::make_unique<GpuSceneRenderer>(std::move(convolver),
                                                                          responses, voices);
                              });
    return std::make_unique<OnGpu>(std::move(renderer), device);
  });
}

std::unique_ptr<SceneRenderer> make_gpu_scene_renderer(const Method& method,
                                                       SceneResponses responses,
                                                       std::vector<Voice> voices,
                                                       std::int64_t length, int device) {
  if (method.plan_voices == nullptr) {
    throw GpuError(fmt::format("{}: this method cannot render scenes", method.name));
  }
  if (responses.longest > method.longest_response) {
    throw GpuError(fmt::format("{}: a response of {} taps is too long (at most {})", method.name,
                               responses.longest, method.longest_response));
  }
  std::set<std::size_t> used;
  for (const Voice& voice : voices) used.insert(voice.response);
  const VoiceMemory memory{.slots = std::max(1, static_cast<int>(used.size()))};
  return make_gpu_scene_renderer(method.plan_voices, std::move(responses), std::move(voices),
                                 length, device, memory);
}

}  // namespace gpuconv
