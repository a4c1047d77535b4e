#include "host/methods/cpu_source_rings.hpp"

#include <algorithm>

namespace gpuconv {

SourceRings::SourceRings(std::span<const SceneSource> sources, std::int64_t lead,
                         std::int64_t advance)
    : advance_(advance), size_(lead + advance), rings_(sources.begin(), sources.end()) {
  for (Ring& ring : rings_) {
    ring.samples = AlignedFloats(static_cast<std::size_t>(size_));
    std::fill_n(ring.samples.data(), ring.samples.size(), 0.0F);
  }
}

void SourceRings::read(std::size_t source, std::int64_t batch) {
  Ring& ring = rings_[source];
  const std::int64_t end = (batch + 1) * advance_;
  for (std::int64_t n = batch * advance_; n < end;) {
    constexpr std::int64_t kPiece = 16384;
    const std::int64_t place = n % size_;
    const std::int64_t wanted = std::min({kPiece, end - n, size_ - place});
    float* const samples = ring.samples.data() + place;
    const std::int64_t silent = std::clamp<std::int64_t>(ring.start - n, 0, wanted);
    std::fill_n(samples, silent, 0.0F);
    std::int64_t filled = silent;
    if (filled < wanted && ring.end == kForever) {
      const auto free = static_cast<std::size_t>(wanted - filled);
      const std::size_t count = ring.read({samples + filled, free});
      filled += static_cast<std::int64_t>(count);
      if (count < free) ring.end = n + filled;
    }
    std::fill(samples + filled, samples + wanted, 0.0F);
    n += wanted;
  }
}

std::int64_t SourceRings::latest_end() const {
  std::int64_t latest = 0;
  for (const Ring& ring : rings_) {
    if (ring.end == kForever) return kForever;
    if (ring.end > ring.start) latest = std::max(latest, ring.end);
  }
  return latest;
}

WindowSamples SourceRings::window(std::size_t source, std::int64_t begin, int size) const {
  const Ring& ring = rings_[source];
  const std::int64_t count = std::clamp<std::int64_t>(ring.end - begin, 0, size);
  return {ring.samples.data(), static_cast<int>(count), (begin + size_) % size_, size_};
}

std::int64_t SourceRings::side_by_side(const WindowSamples& window, int n) const {
  return size_ - (window.at(n) - window.samples);
}

}  // namespace gpuconv
