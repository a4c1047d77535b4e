#include "host/bench/device_clock.hpp"

#include "cuda/blocks/levels.hpp"
#include "cuda/runtime/check.hpp"

namespace gpuconv {
namespace {

#ifdef GPUCONV_EMULATED
constexpr std::size_t kFlushBytes = std::size_t{1} << 12;  // without a cache to flush
#else
constexpr std::size_t kFlushBytes = std::size_t{1} << 28;
#endif
constexpr int kReads = 2;  // some 0.1 ms where memory is fastest

/// Seconds of a run that does not notice what is in a cache: it reads a thousand of them.
constexpr double kLong = 0.1;

/// Reads, and writes next to nothing: a cache that is full of somebody's unwritten lines is the
/// next one's burden.
class Flush {
 public:
  Flush() : memory_(kFlushBytes / sizeof(float)), level_(1), meter_(memory_.size()) {
    const Stream stream;
    GPUCONV_CUDA(cudaMemsetAsync(memory_.data(), 0, kFlushBytes, stream.get()));
    stream.synchronize();
  }
  void enqueue(const Stream& stream) {
    for (int i = 0; i < kReads; ++i) meter_.enqueue(memory_.span(), level_.data(), stream);
  }

 private:
  DeviceBuffer<float> memory_;
  DeviceBuffer<BlockLevel> level_;
  LevelMeter meter_;
};

/// One for all plans that are alive: they take turns, on one device.
std::shared_ptr<Flush> the_flush() {
  static std::weak_ptr<Flush> latest;
  std::shared_ptr<Flush> flush = latest.lock();
  if (!flush) latest = flush = std::make_shared<Flush>();
  return flush;
}

class OnDevice final : public TimedPlan {
 public:
  explicit OnDevice(std::unique_ptr<DeviceWork> work) : work_(std::move(work)) {}

  double run() override {
    flush_->enqueue(stream_);
    if (latest_ < kLong) work_->enqueue(stream_);
    latest_ = timed();
    return latest_;
  }

  void run_once() override {
    work_->enqueue(stream_);
    stream_.synchronize();
  }

  std::optional<double> run_cold() override {
    flush_->enqueue(stream_);
    return timed();
  }

  Stereo<Signal> wet() override { return work_->wet(stream_); }

  Traffic traffic() const override { return work_->traffic(); }

 private:
  double timed() {
    start_.record(stream_);
    work_->enqueue(stream_);
    end_.record(stream_);
    end_.synchronize();
    return seconds_between(start_, end_);
  }

  Stream stream_;
  Event start_, end_;
  std::shared_ptr<Flush> flush_ = the_flush();
  double latest_ = 0;
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
