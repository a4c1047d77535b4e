#include "host/api/device_convolver.hpp"

#include <algorithm>
#include <exception>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/resources.hpp"
#include "host/base/error.hpp"
#include "host/render/block_queue.hpp"
#include "host/render/gpu_errors.hpp"

namespace gpuconv {
namespace {

/// The methods want memory that begins at 16 bytes and ends in padding, which a caller's need not
/// have: a block goes through buffers of the plan.
class BufferedConvolver final : public DeviceConvolver {
 public:
  BufferedConvolver(PlanConvolver* plan, const Stereo<Signal>& response, std::int64_t source_length,
                    int device)
      : device_(device),
        overlap_(response.left.size() - 1),
        convolver_(plan({response.left, response.right}, source_length)),
        blocks_(*convolver_, overlap_),
        block_length_(static_cast<std::size_t>(convolver_->block_length())),
        zeros_(std::vector<float>(4, 0.0F), planning_),
        source_(blocks_.history() + stored_length(block_length_)),
        source_spectrum_(convolver_->source_spectrum_size()) {
    for (const Side side : kSides) {
      wet_[side] = DeviceBuffer<float>(stored_length(block_length_ + overlap_));
    }
    blocks_.keep_tails();  // all blocks have the same buffers
    planning_.synchronize();
  }

  ~BufferedConvolver() override {
    if (!is_used_) return;
    try {
      const DeviceInUse in_use(device_);
      done_.synchronize();
    } catch (const std::exception&) {
      // A destructor cannot report it; after an error of the GPU nothing uses the buffers.
    }
  }

  void enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
               void* cuda_stream) override {
    const Stream stream = Stream::borrowed(static_cast<cudaStream_t>(cuda_stream));
    if (is_used_) wait(stream, done_);
    is_used_ = true;
    blocks_.restart();
    for (std::size_t n = 0; n < source.size(); n += block_length_) {
      enqueue_block(source, n, std::min(block_length_, source.size() - n), wet, stream);
    }
    if (!blocks_.has_tail()) enqueue_block(source, source.size(), 0, wet, stream);
    for (const Side side : kSides) {
      copy_async(blocks_.tail(side), wet[side].subspan(source.size()), stream);
    }
    done_.record(stream);
  }

 private:
  /// From sample n on.
  void enqueue_block(std::span<const float> source, std::size_t n, std::size_t length,
                     const Stereo<std::span<float>>& wet, const Stream& stream) {
    const std::size_t history = n > 0 ? blocks_.history() : 0;
    const std::span<float> samples = source_.span().subspan(blocks_.history());
    copy_async(source.subspan(n - history, history + length),
               source_.span().subspan(blocks_.history() - history), stream);
    const std::size_t padding = stored_length(length) - length;
    copy_async<float>(zeros_.span().first(padding), samples.subspan(length), stream);
    Stereo<std::span<float>> block_wet;
    for (const Side side : kSides) {
      block_wet[side] = wet_[side].span().first(blocks_.wet_size(length));
    }
    blocks_.enqueue(
        {samples.first(length), source_spectrum_.span(), 1, {}, static_cast<int>(history)},
        block_wet, {.source = &stream, .ears = {&stream, &stream}}, [&](Side side) {
          copy_async<float>(block_wet[side].first(length), wet[side].subspan(n), stream);
        });
  }

  int device_;
  std::size_t overlap_;  // K - 1
  Stream planning_;
  std::unique_ptr<Convolver> convolver_;
  BlockQueue blocks_;
  std::size_t block_length_;
  UploadedTable<float> zeros_;
  DeviceBuffer<float> source_;
  DeviceBuffer<float> source_spectrum_;
  Stereo<DeviceBuffer<float>> wet_;
  Event done_;  // of the latest call
  bool is_used_ = false;
};

class Translated final : public DeviceConvolver {
 public:
  Translated(std::unique_ptr<DeviceConvolver> convolver, int device)
      : convolver_(std::move(convolver)), device_(device) {}

  void enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
               void* stream) override {
    on_gpu(device_, [&] { convolver_->enqueue(source, wet, stream); });
  }

 private:
  std::unique_ptr<DeviceConvolver> convolver_;
  int device_;
};

}  // namespace

std::unique_ptr<DeviceConvolver> make_device_convolver(PlanConvolver* plan,
                                                       const Stereo<Signal>& response,
                                                       std::int64_t source_length, int device) {
  return std::make_unique<Translated>(on_gpu(device,
                                             [&] {
                                               return std::make_unique<BufferedConvolver>(
                                                   plan, response, source_length, device);
                                             }),
                                      device);
}

}  // namespace gpuconv
