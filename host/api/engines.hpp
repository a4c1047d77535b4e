// engines.hpp - what a Plan keeps: the response, and a planned method for each way it was used
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gpuconv/plan.hpp"
#include "host/api/device_convolver.hpp"
#include "host/base/signal.hpp"
#include "host/methods/choose.hpp"
#include "host/methods/cpu_vectorised.hpp"
#include "host/render/clip_renderer.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

/// Samples that may be read as they are: the caller's, or a copy in which 0 stands for NaN and
/// infinity. Throws UsageError if `policy` is error; it begins with `what`.
class CheckedSamples {
 public:
  CheckedSamples(std::span<const float> samples, NonFinite policy, const std::string& what);
  std::span<const float> samples() const { return samples_; }
  std::int64_t replaced() const { return replaced_; }

 private:
  std::span<const float> samples_;
  Signal copy_;
  std::int64_t replaced_ = 0;
};

/// Throws UsageError if a frame is NaN or infinite. `first` is the first frame's number.
void check_overflow(Stereo<std::span<const float>> frames, std::int64_t first,
                    const std::string& what);

/// Clips of a call that are convolved in one launch, if their lengths allow so many.
inline constexpr std::size_t kMostClips = 256;

/// What groups of clips need of each device, made when first needed: one group at a time.
struct ClipRoom {
  std::mutex mutex;
  std::map<int, std::unique_ptr<ClipMemory>> memories;  ///< null: too little for a group
};

/// Which method convolves what: the same for all plans that are made together.
class Chooser {
 public:
  /// Throws as Plan's constructor does.
  explicit Chooser(const PlanOptions& options);

  NonFinite nonfinite() const { return nonfinite_; }
  Choice choose_for(std::int64_t N, std::int64_t K) const;
  /// Among GPU methods alone.
  Choice choose_on_gpu(std::int64_t N, std::int64_t K) const;

  ClipRoom& clip_room() const { return clip_room_; }

 private:
  NonFinite nonfinite_;
  Request request_;
  Devices devices_;
  CostModel model_;
  mutable ClipRoom clip_room_;
};

/// Thread-safe.
class PlanEngines {
 public:
  /// `what` begins messages about the response.
  PlanEngines(const Stereo<std::span<const float>>& response,
              std::shared_ptr<const Chooser> chooser, const std::string& what);

  const Stereo<Signal>& response() const { return response_; }
  std::int64_t taps() const { return std::ssize(response_.left); }
  NonFinite nonfinite() const { return chooser_->nonfinite(); }

  /// For a source of N samples.
  Choice choose_for(std::int64_t N);

  /// For voices of N samples, the longest response of which has K taps.
  Choice choose_for(std::int64_t N, std::int64_t K) const { return chooser_->choose_for(N, K); }

  /// As Renderer::run(), by the method of `choice` for N samples.
  void run(const Choice& choice, std::int64_t N, const ReadSource& read, const WriteWet& write);

  /// Convolves clips of N samples each, placed by `layout`, in one launch on the device of
  /// `choice`, and calls `wet` with the frames of each. False, and nothing done, if the device has
  /// too little memory for a group.
  bool run_clips(const Choice& choice, std::int64_t N, const ClipLayout& layout,
                 std::span<const CheckedSamples> sources,
                 const std::function<void(std::size_t clip, Stereo<std::span<const float>>)>& wet);

  /// Of N samples on the device.
  void enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet, void* stream);

  /// The device of enqueue().
  int device() const { return chooser_->choose_on_gpu(1, taps()).device->index; }

  /// The spectra of cpu-vectorised, planned when first needed.
  const VectorisedConvolver& vectorised();

  /// A renderer for one source; it does not outlive the engines.
  std::unique_ptr<Renderer> renderer(const Choice& choice, std::int64_t N) const;

 private:
  struct OnGpu {
    const Method* method;
    std::int64_t N;
    std::mutex mutex;
    std::unique_ptr<Renderer> renderer;          // from host memory to host memory
    std::unique_ptr<ClipRenderer> clips;         // the same, many at once
    std::unique_ptr<DeviceConvolver> on_device;  // each of them planned when first needed
  };
  std::shared_ptr<OnGpu> on_gpu(const Choice& choice, std::int64_t N);

  static constexpr std::size_t kPlansOnGpu = 4;

  std::shared_ptr<const Chooser> chooser_;
  Stereo<Signal> response_;
  std::once_flag vectorised_once_;
  std::optional<VectorisedConvolver> vectorised_;
  std::mutex mutex_;  // of what follows
  std::int64_t latest_N_ = 0;
  std::optional<Choice> latest_choice_;
  std::list<std::shared_ptr<OnGpu>> on_gpu_;  // the last used first
};

/// "cuda:0 (name)", or "CPU".
std::string device_words(const Choice& choice);

}  // namespace gpuconv
