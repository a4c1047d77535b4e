#include "host/render/convolver_cache.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

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

}  // namespace

std::shared_ptr<const VectorisedConvolver> ConvolverCache::find(const Stereo<Signal>& response) {
  const std::uint64_t hash = hash_of_ears(response);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    const Stereo<Signal>& known = entry.convolver->response();
    return entry.hash == hash && is_same(known.left, response.left) &&
           is_same(known.right, response.right);
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

}  // namespace gpuconv
