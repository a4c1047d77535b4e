#include "host/render/convolver_cache.hpp"

#include <algorithm>
#include <iterator>

#include "host/base/error.hpp"
#include "host/base/hash.hpp"
#include "host/render/same_taps.hpp"

namespace gpuconv {
namespace {

std::uint64_t hash_of_ears(const Stereo<Signal>& response) {
  return hash_of(std::as_bytes(std::span(response.left)),
                 hash_of(std::as_bytes(std::span(response.right))));
}

}  // namespace

std::shared_ptr<const VectorisedConvolver> ConvolverCache::find(const Stereo<Signal>& response) {
  const std::uint64_t hash = hash_of_ears(response);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.hash == hash && has_same_taps(entry.convolver->response(), response);
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    entries_.push_front({hash, std::make_shared<const VectorisedConvolver>(response)});
  }
  const std::shared_ptr<const VectorisedConvolver> convolver = entries_.front().convolver;
  keep_within_limit();
  return convolver;
}

/// A plan grows when it is used.
void ConvolverCache::keep_within_limit() {
  std::size_t total = 0;
  for (auto one = entries_.begin(); one != entries_.end();) {
    total += one->convolver->bytes();
    one = total > bytes_ ? entries_.erase(one) : std::next(one);
  }
}

/// Takes a plan when it is used, for a clip that has no group.
class ConvolverCache::Taken final : public Renderer {
 public:
  Taken(ConvolverCache& cache, const Method& method, const Stereo<Signal>& response, std::int64_t N,
        int device)
      : cache_(cache), method_(method), response_(response), N_(N), device_(device) {}

  RenderReport run(const ReadSource& source, const WriteWet& wet) override {
    OnGpu plan = cache_.take_plan(method_, response_, N_, device_);
    RenderReport report = plan.renderer->run(source, wet);
    cache_.give_back(std::move(plan));
    return report;
  }

 private:
  ConvolverCache& cache_;
  const Method& method_;
  const Stereo<Signal>& response_;
  std::int64_t N_;
  int device_;
};

ConvolverCache::OnGpu ConvolverCache::take(const Method& method, const Stereo<Signal>& response,
                                           std::int64_t N, int device) {
  if (!gatherer_ || !clip_lengths(method, N, std::ssize(response.left))) {
    return take_plan(method, response, N, device);
  }
  const auto alone = [this, &method, &response, N, device] {
    return std::make_unique<Taken>(*this, method, response, N, device);
  };
  OnGpu part;
  part.is_plan = false;
  part.renderer = gatherer_->renderer(method, response, N, device, alone);
  return part;
}

ConvolverCache::OnGpu ConvolverCache::take_plan(const Method& method,
                                                const Stereo<Signal>& response, std::int64_t N,
                                                int device) {
  OnGpu plan;
  plan.turn = take_turn(device);
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(idle_, [&](const OnGpu& one) {
      return one.method == &method && one.device == device &&
             has_same_taps(one.response, response) &&
             plans_alike(method, one.N, N, std::ssize(response.left));
    });
    if (found != idle_.end()) {
      found->turn = std::move(plan.turn);
      plan = std::move(*found);
      idle_.erase(found);
      return plan;
    }
  }
  plan.method = &method;
  plan.response = response;
  plan.N = N;
  plan.device = device;
  try {
    plan.renderer = make_renderer(method, response, N, device);
    return plan;
  } catch (const GpuError&) {
    // Those that nobody uses may hold the memory that is missing.
    if (!free_idle(device)) throw;
  }
  plan.renderer = make_renderer(method, response, N, device);
  return plan;
}

bool ConvolverCache::free_idle(int device) {
  std::list<OnGpu> dropped;  // outlives the lock: to free device memory takes time
  {
    const std::lock_guard lock(mutex_);
    for (auto one = idle_.begin(); one != idle_.end();) {
      const auto next = std::next(one);
      if (one->device == device) dropped.splice(dropped.end(), idle_, one);
      one = next;
    }
  }
  if (gatherer_) gatherer_->release(device);
  return !dropped.empty() || gatherer_;
}

void ConvolverCache::give_back(OnGpu plan) {
  if (!plan.is_plan) return;
  const auto turn = std::exchange(plan.turn, nullptr);  // ends when the plan is back
  std::list<OnGpu> dropped;
  const std::lock_guard lock(mutex_);
  const int device = plan.device;
  idle_.push_front(std::move(plan));
  const auto is_here = [&](const OnGpu& one) { return one.device == device; };
  if (static_cast<std::size_t>(std::ranges::count_if(idle_, is_here)) <= kIdleOnGpu) return;
  const auto last = std::find_if(idle_.rbegin(), idle_.rend(), is_here);
  dropped.splice(dropped.end(), idle_, std::prev(last.base()));
}

}  // namespace gpuconv
