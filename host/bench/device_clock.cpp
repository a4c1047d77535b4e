#include "host/bench/device_clock.hpp"

#include "cuda/runtime/check.hpp"

namespace gpuconv {
namespace {

#ifdef GPUCONV_EMULATED
constexpr std::size_t kFlushBytes = std::size_t{1} << 14;  // there is no cache to flush
#else
constexpr std::size_t kFlushBytes = std::size_t{1} << 28;
#endif

class OnDevice final : public TimedPlan {
 public:
  explicit OnDevice(std::unique_ptr<DeviceWork> work) : work_(std::move(work)) {}

  double run() override {
    start_.record(stream_);
    work_->enqueue(stream_);
    end_.record(stream_);
    end_.synchronize();
    return seconds_between(start_, end_);
  }

  std::optional<double> run_cold() override {
    if (flush_.size() == 0) flush_ = DeviceBuffer<char>(kFlushBytes);
    GPUCONV_CUDA(cudaMemsetAsync(flush_.data(), 0, flush_.size(), stream_.get()));
    return run();
  }

  Stereo<Signal> wet() override { return work_->wet(stream_); }

  Traffic traffic() const override { return work_->traffic(); }

 private:
  Stream stream_;
  Event start_, end_;
  DeviceBuffer<char> flush_;
  std::unique_ptr<DeviceWork> work_;
};

}  // namespace

std::unique_ptr<TimedPlan> time_on_device(std::unique_ptr<DeviceWork> work) {
  return std::make_unique<OnDevice>(std::move(work));
}

void poison(std::span<float> floats, const Stream& stream) {
  GPUCONV_CUDA(cudaMemsetAsync(floats.data(), 0xff, floats.size_bytes(), stream.get()));
}

}  // namespace gpuconv
