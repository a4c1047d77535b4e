#include "host/render/convolver_cache.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "cuda/methods/lengths.hpp"
#include "host/base/error.hpp"
#include "host/base/hash.hpp"

namespace gpuconv {
namespace {

std::uint64_t hash_of_ears(const Stereo<Signal>& response) {
  return hash_of(std::as_bytes(std::span(response.left)),
                 hash_of(std::as_bytes(std::span(response.right))));
}

/// By their bytes: -0 is another tap than 0.
bool is_same(const Signal& a, const Signal& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool is_same(const Stereo<Signal>& a, const Stereo<Signal>& b) {
  return is_same(a.left, b.left) && is_same(a.right, b.right);
}

}  // namespace

std::shared_ptr<const VectorisedConvolver> ConvolverCache::find(const Stereo<Signal>& response) {
  const std::uint64_t hash = hash_of_ears(response);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.hash == hash && is_same(entry.convolver->response(), response);
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

ConvolverCache::OnGpu ConvolverCache::take(const Method& method, const Stereo<Signal>& response,
                                           std::int64_t N, int device) {
  // Bytes depend on the length for which a method is planned.
  const std::int64_t length = std::min(N, kEndless);
  std::list<OnGpu> dropped;  // outlives the lock: to free device memory takes time
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(idle_, [&](const OnGpu& one) {
      return one.method == &method && one.N == length && one.device == device &&
             is_same(one.response, response);
    });
    if (found != idle_.end()) {
      OnGpu plan = std::move(*found);
      idle_.erase(found);
      return plan;
    }
  }
  OnGpu plan{&method, response, length, device, nullptr};
  try {
    plan.renderer = make_renderer(method, response, N, device);
    return plan;
  } catch (const GpuError&) {
    // Those that nobody uses may hold the memory that is missing.
    const std::lock_guard lock(mutex_);
    for (auto one = idle_.begin(); one != idle_.end();) {
      const auto next = std::next(one);
      if (one->device == device) dropped.splice(dropped.end(), idle_, one);
      one = next;
    }
    if (dropped.empty()) throw;
  }
  dropped.clear();
  plan.renderer = make_renderer(method, response, N, device);
  return plan;
}

void ConvolverCache::give_back(OnGpu plan) {
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
