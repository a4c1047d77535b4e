// gpu_plan.cpp - a GPU method on signals that are in the device's memory
//
// Queued by the renderer's BlockQueue, without the copies between host and device. Both ears and
// all clips in the same launches take one stream; blocks of a long source take turns in two slots.
// One block can be captured in a graph; the response can be transformed in every run.
#include <algorithm>
#include <array>
#include <string>

#include "cuda/blocks/overlap_add.hpp"
#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/graph.hpp"
#include "host/bench/device_clock.hpp"
#include "host/render/block_queue.hpp"

namespace gpuconv {
namespace {

class MethodOnGpu final : public DeviceWork {
 public:
  MethodOnGpu(const Method& method, const Problem& problem, const Sounds& sounds, RunKind run)
      : problem_(problem),
        overlap_(static_cast<std::size_t>(problem.K - 1)),
        convolver_(method.plan({sounds.response.left, sounds.response.right}, problem.N)),
        blocks_(*convolver_, overlap_),
        replacing_(run == RunKind::with_response ? &dynamic_cast<ReplacingConvolver&>(*convolver_)
                                                 : nullptr),
        block_length_(static_cast<std::size_t>(
            std::min<std::int64_t>(problem.N, convolver_->block_length()))),
        has_block_of_tail_(blocks_.history() > 0 && problem.N % convolver_->block_length() == 0),
        clips_at_once_(can_batch() ? problem.clips : 1),
        clip_stride_(stored_length(static_cast<std::size_t>(problem.N))),
        source_(static_cast<std::size_t>(problem.clips) * clip_stride_) {
    const bool is_one_block = clips_at_once_ == problem.clips && is_clip_one_block();
    for (Slot& slot : std::span(slots_).first(is_one_block ? 1 : 2)) {
      slot.source_spectrum = DeviceBuffer<float>(convolver_->source_spectrum_size());
      for (const Side side : kSides) {
        slot.wet[side] = DeviceBuffer<float>(static_cast<std::size_t>(clips_at_once_) *
                                             stored_length(block_length_ + overlap_));
      }
    }
    GPUCONV_CUDA(cudaMemsetAsync(source_.data(), 0, source_.span().size_bytes(), ears_.left.get()));
    for (int clip = 0; clip < problem.clips; ++clip) {
      upload_async<float>(sounds.clip(problem, clip),
                          source_.span().subspan(static_cast<std::size_t>(clip) * clip_stride_),
                          ears_.left);
    }
    if (replacing_ != nullptr) {
      for (const Side side : kSides) {
        const Signal& response = sounds.response[side];
        taps_[side] = DeviceBuffer<float>(stored_length(response.size()));
        GPUCONV_CUDA(cudaMemsetAsync(taps_[side].data(), 0, taps_[side].span().size_bytes(),
                                     ears_.left.get()));
        upload_async<float>(response, taps_[side].span(), ears_.left);
      }
    }
    ears_.left.synchronize();
    convolver_->finish_plan();
    if (run != RunKind::graph) return;
    const Stream stream;
    graph_ = std::make_unique<Graph>(stream, [&] { queue_blocks(stream); });
  }

  void enqueue(const Stream& stream) override {
    if (graph_) {
      graph_->launch(stream);
    } else {
      queue_blocks(stream);
    }
  }

  Stereo<Signal> wet(const Stream& stream) override {
    for (const Slot& slot : slots_) {
      if (slot.wet.left.size() == 0) continue;  // one block needs one slot
      for (const Side side : kSides) poison(slot.wet[side].span(), stream);
    }
    stream.synchronize();
    Stereo<Signal> wet;
    const auto download = [&](const Slot& slot, std::size_t length, bool is_last) {
      const std::size_t count = is_last ? blocks_.wet_size(length) : length;
      for (const Side side : kSides) {
        for (int clip = 0; clip < clips_at_once_; ++clip) {
          const std::size_t start = wet[side].size();
          wet[side].resize(start + count);
          download_async<float>(slot.wet[side].span().subspan(
                                    static_cast<std::size_t>(clip) * stored_length(count), count),
                                std::span(wet[side]).subspan(start), compute(side, stream));
          compute(side, stream).synchronize();
        }
      }
    };
    if (graph_) {
      graph_->launch(stream);
      stream.synchronize();
      download(slots_[0], block_length_, true);
    } else {
      for_each_block(stream, download);
    }
    return wet;
  }

  Traffic traffic() const override {
    Traffic traffic;
    const auto add = [&](const Cost& cost, int times) {
      traffic.bytes += times * cost.device_bytes;
      traffic.launches += times * cost.launches;
    };
    const auto N = static_cast<std::size_t>(problem_.N);
    const int batches = problem_.clips / clips_at_once_;
    for_each_length([&](std::size_t start, std::size_t length) {
      add(convolver_->cost(static_cast<int>(length), clips_at_once_), batches);
      if (start > 0 && blocks_.history() == 0) {
        add(overlap_add_cost(overlap_, blocks_.is_per_ear()), batches);
      }
    });
    if (replacing_ != nullptr) {
      add(replacing_->response_cost(static_cast<int>(std::min(block_length_, N)), clips_at_once_),
          1);
    }
    return traffic;
  }

 private:
  struct Slot {
    DeviceBuffer<float> source_spectrum;
    Stereo<DeviceBuffer<float>> wet;
    Event source_ready;
    Stereo<Event> done;
  };

  bool is_clip_one_block() const {
    return static_cast<std::size_t>(problem_.N) == block_length_ && !has_block_of_tail_;
  }

  /// All clips in the same launches: if a clip is one block, and stays aligned.
  bool can_batch() const {
    return !blocks_.is_per_ear() && is_clip_one_block() && problem_.N % 4 == 0;
  }

  /// Samples of the wet signals of a block.
  std::size_t wet_size(std::size_t length) const {
    return clips_at_once_ == 1
               ? blocks_.wet_size(length)
               : static_cast<std::size_t>(clips_at_once_) * stored_length(length + overlap_);
  }

  /// body(start, length) for each block of a clip; the last may have no samples.
  template <typename Body>
  void for_each_length(const Body& body) const {
    const auto N = static_cast<std::size_t>(problem_.N);
    for (std::size_t start = 0; start < N; start += block_length_) {
      body(start, std::min(block_length_, N - start));
    }
    if (has_block_of_tail_) body(N, 0);
  }

  Stereo<std::span<const float>> taps() const {
    const auto K = overlap_ + 1;
    return {taps_.left.span().first(K), taps_.right.span().first(K)};
  }

  /// Where a side is computed.
  const Stream& compute(Side side, const Stream& stream) const {
    return !blocks_.is_per_ear() ? stream : ears_[side];
  }

  void queue_blocks(const Stream& stream) {
    for_each_block(stream, [](const Slot&, std::size_t, bool) {});
  }

  /// Queues all blocks of all clips between what is queued in `stream` before and after;
  /// `queued(slot, length, is_last)` is called when a block is.
  template <typename Queued>
  void for_each_block(const Stream& stream, const Queued& queued) {
    bool is_replaced = replacing_ == nullptr;
    std::size_t next = 0;
    const Slot* used[2] = {nullptr, nullptr};  // the slots that are in flight in several streams
    for (int clip = 0; clip < problem_.clips; clip += clips_at_once_) {
      blocks_.restart();
      for_each_length([&](std::size_t start, std::size_t length) {
        Slot& slot = slots_[next];
        const Block block{
            source_.span().subspan(static_cast<std::size_t>(clip) * clip_stride_ + start,
                                   static_cast<std::size_t>(clips_at_once_) * length),
            slot.source_spectrum.span(), clips_at_once_,
            is_replaced ? Stereo<std::span<const float>>{} : taps(),
            start > 0 ? convolver_->history() : 0};
        is_replaced = true;
        // The block that had this slot before must be done with what the ears shared.
        if (used[next] != nullptr) {
          for (const Side side : kSides) wait(stream, slot.done[side]);
        }
        BlockRoute route{.source = &stream};
        if (blocks_.is_per_ear()) {
          used[next] = &slot;
          route.source_ready = &slot.source_ready;
        }
        Stereo<std::span<float>> wet;
        for (const Side side : kSides) {
          route.ears[side] = &compute(side, stream);
          wet[side] = slot.wet[side].span().first(wet_size(length));
        }
        blocks_.enqueue(block, wet, route, [&](Side side) {
          if (blocks_.is_per_ear()) slot.done[side].record(ears_[side]);
        });
        queued(slot, length, start + length == static_cast<std::size_t>(problem_.N));
        next = 1 - next;
      });
    }
    for (const Slot* const slot : used) {
      if (slot == nullptr) continue;
      for (const Side side : kSides) wait(stream, slot->done[side]);
    }
  }

  const Problem problem_;
  std::size_t overlap_;  // K - 1
  Stereo<Stream> ears_;
  std::unique_ptr<Convolver> convolver_;
  BlockQueue blocks_;
  ReplacingConvolver* replacing_;  // the same, if each run transforms the response; else null
  std::size_t block_length_;
  bool has_block_of_tail_;  // after the last one of a clip, which is full: it has no samples
  int clips_at_once_;
  std::size_t clip_stride_;  // of the source: every clip starts aligned
  DeviceBuffer<float> source_;
  Stereo<DeviceBuffer<float>> taps_;  // of replacing_
  std::array<Slot, 2> slots_;
  std::unique_ptr<Graph> graph_;
};

template <int kMiB>
std::unique_ptr<Convolver> plan_in_batches(Stereo<std::span<const float>> response,
                                           std::int64_t source_length) {
  return plan_gpu_fourstep_with(
      response, fourstep_lengths(source_length, static_cast<int>(response.left.size())),
      std::size_t{kMiB} << 20);
}

template <int kMiB>
Contender in_chunks() {
  static const Method method = [] {
    Method variant = find_method("gpu-fourstep");
    variant.plan = plan_in_batches<kMiB>;
    return variant;
  }();
  Contender contender = contender_of(method);
  contender.name = "gpu-fourstep-" + std::to_string(kMiB) + "-MiB";
  return contender;
}

}  // namespace

std::vector<Contender> batch_variants() {
  return {in_chunks<4>(),  in_chunks<8>(),  in_chunks<16>(), in_chunks<24>(),
          in_chunks<32>(), in_chunks<48>(), in_chunks<64>(), in_chunks<128>()};
}

std::unique_ptr<TimedPlan> plan_on_gpu(const Method& method, const Problem& problem,
                                       const Sounds& sounds, const Device& device, RunKind run) {
  use_device(device.index);
  return time_on_device(std::make_unique<MethodOnGpu>(method, problem, sounds, run));
}

}  // namespace gpuconv
