#include "host/api/engines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/error.hpp"
#include "host/base/parallel.hpp"
#include "host/read/nonfinite.hpp"
#include "host/render/cpu_renderer.hpp"

namespace gpuconv {
CheckedSamples::CheckedSamples(std::span<const float> samples, NonFinite policy,
                               const std::string& what)
    : samples_(samples) {
  const std::size_t first = find_nonfinite(samples);
  if (first == samples.size()) return;
  if (policy == NonFinite::error) {
    throw UsageError(fmt::format("{}: sample {} is {}; nonfinite zero replaces such samples by 0",
                                 what, first, nonfinite_name(samples[first])));
  }
  copy_.assign(samples.begin(), samples.end());
  replaced_ = mend_nonfinite(what, copy_, 1, 0, policy);
  samples_ = copy_;
}

void check_overflow(Stereo<std::span<const float>> frames, std::int64_t first,
                    const std::string& what) {
  for (const Side side : kSides) {
    const std::size_t bad = find_nonfinite(frames[side]);
    if (bad == frames[side].size()) continue;
    throw UsageError(fmt::format("{}: the result overflows: frame {} of the {} ear is {}", what,
                                 first + static_cast<std::int64_t>(bad), name(side),
                                 nonfinite_name(frames[side][bad])));
  }
}

Chooser::Chooser(const PlanOptions& options) : nonfinite_(options.nonfinite) {
  request_.method = options.method;
  request_.device = options.device;
  request_.allows_hopeless = true;  // it was asked for by its name
  devices_ = devices_for(request_);
  check_request(request_, devices_);
  std::string warning;  // of a calibration that cannot be used: the built-in one serves
  model_ = load_cost_model(pick_device(request_.device, devices_), warning);
  model_.set_gpu_start(0);
}

Choice Chooser::choose_for(std::int64_t N, std::int64_t K) const {
  return choose(request_, N, K, devices_, model_);
}

Choice Chooser::choose_on_gpu(std::int64_t N, std::int64_t K) const {
  Request request = request_;
  if (request.device == "auto") request.device = "cuda";
  Choice choice = choose(request, N, K, devices_, model_);
  if (!choice.device) throw UsageError("device cpu: it cannot reach memory of a GPU");
  return choice;
}

PlanEngines::PlanEngines(const Stereo<std::span<const float>>& response,
                         std::shared_ptr<const Chooser> chooser, const std::string& what)
    : chooser_(std::move(chooser)) {
  const std::size_t K = response.left.size();
  if (K == 0 || K != response.right.size()) {
    throw UsageError(
        fmt::format("{}: the ears need the same number of taps, at least 1, not {} and {}", what, K,
                    response.right.size()));
  }
  for (const Side side : kSides) {
    const CheckedSamples checked(response[side], nonfinite(),
                                 fmt::format("{}, {} ear", what, name(side)));
    response_[side].assign(checked.samples().begin(), checked.samples().end());
  }
}

Choice PlanEngines::choose_for(std::int64_t N) {
  const std::lock_guard lock(mutex_);
  if (!latest_choice_ || latest_N_ != N) {
    latest_choice_ = chooser_->choose_for(N, taps());
    latest_N_ = N;
  }
  return *latest_choice_;
}

void PlanEngines::run(const Choice& choice, std::int64_t N, const ReadSource& read,
                      const WriteWet& write) {
  if (choice.device) {
    const std::shared_ptr<OnGpu> one = on_gpu(choice, N);
    const std::lock_guard lock(one->mutex);
    if (!one->renderer) one->renderer = renderer(choice, N);
    one->renderer->run(read, write);
  } else if (choice.method->convolve == nullptr) {
    vectorised().run(read, write);
  } else {
    renderer(choice, N)->run(read, write);
  }
}

bool PlanEngines::run_clips(
    const Choice& choice, std::int64_t N, const ClipLayout& layout,
    std::span<const CheckedSamples> sources,
    const std::function<void(std::size_t clip, Stereo<std::span<const float>>)>& wet) {
  const int device = choice.device->index;
  ClipRoom& room = chooser_->clip_room();
  const std::lock_guard room_lock(room.mutex);
  const std::shared_ptr<OnGpu> one = on_gpu(choice, N);
  const std::lock_guard lock(one->mutex);
  try {
    if (!room.memories.contains(device)) {
      room.memories[device] = make_clip_memory(device, kMostClips);
    }
    if (!room.memories[device]) return false;
    if (!one->clips) one->clips = make_clip_renderer(*choice.method, response_, N, device);
  } catch (const GpuError&) {  // if that was not for memory, one by one they fail, too
    room.memories[device] = nullptr;
    return false;
  }
  ClipMemory& memory = *room.memories[device];
  const std::vector<ClipPlace>& places = layout.places();
  for (std::size_t i = 0; i < places.size(); ++i) memory.put(places[i], sources[i].samples());
  one->clips->run(memory, layout);
  for (std::size_t i = 0; i < places.size(); ++i) wet(i, memory.frames(places[i]));
  return true;
}

void PlanEngines::enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
                          void* stream) {
  const Choice choice = chooser_->choose_on_gpu(std::ssize(source), taps());
  const std::shared_ptr<OnGpu> one = on_gpu(choice, std::ssize(source));
  const std::lock_guard lock(one->mutex);
  if (!one->on_device) {
    one->on_device = make_device_convolver(choice.method->plan, response_, std::ssize(source),
                                           choice.device->index);
  }
  one->on_device->enqueue(source, wet, stream);
}

const VectorisedConvolver& PlanEngines::vectorised() {
  std::call_once(vectorised_once_, [&] { vectorised_.emplace(response_); });
  return *vectorised_;
}

std::unique_ptr<Renderer> PlanEngines::renderer(const Choice& choice, std::int64_t N) const {
  return make_renderer(*choice.method, response_, N, choice.device ? choice.device->index : 0);
}

/// Planned for the lengths of N samples, on which the bytes depend.
std::shared_ptr<PlanEngines::OnGpu> PlanEngines::on_gpu(const Choice& choice, std::int64_t N) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(on_gpu_, [&](const std::shared_ptr<OnGpu>& one) {
    return one->method == choice.method && plans_alike(*one->method, one->N, N, taps());
  });
  if (found != on_gpu_.end()) {
    on_gpu_.splice(on_gpu_.begin(), on_gpu_, found);
  } else {
    on_gpu_.push_front(std::make_shared<OnGpu>());
    on_gpu_.front()->method = choice.method;
    on_gpu_.front()->N = N;
    if (on_gpu_.size() > kPlansOnGpu) on_gpu_.pop_back();
  }
  return on_gpu_.front();
}

std::string device_words(const Choice& choice) {
  return choice.device ? fmt::format("cuda:{} ({})", choice.device->index, choice.device->name)
                       : "CPU";
}

}  // namespace gpuconv
