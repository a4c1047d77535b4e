// cpu_source_rings.hpp - the samples of a scene's sources that windows still need
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/methods/cpu_aligned_floats.hpp"
#include "host/methods/cpu_negacyclic.hpp"
#include "host/methods/voice.hpp"

namespace gpuconv {

/// Keeps a ring of samples for each source, sample n at n % size: those of a batch of windows, the
/// first of which begins `lead` samples before the batch. What is read for the next batch takes the
/// place of the oldest; the lead stays where it is.
class SourceRings {
 public:
  /// `lead` and `advance`, the new samples of a batch, are multiples of
  /// NegacyclicTransform::kAlignment.
  SourceRings(std::span<const SceneSource> sources, std::int64_t lead, std::int64_t advance);

  /// Reads the new samples of a batch, for which all before have been read.
  void read(std::size_t source, std::int64_t batch);

  std::size_t count() const { return rings_.size(); }
  std::int64_t start(std::size_t source) const { return rings_[source].start; }
  /// After its last sample; kForever until that has been read.
  std::int64_t end(std::size_t source) const { return rings_[source].end; }
  /// That of the source that ends last, or 0 if none has a sample. kForever until all have ended.
  std::int64_t latest_end() const;

  /// `size` samples from `begin` on, which may be negative.
  WindowSamples window(std::size_t source, std::int64_t begin, int size) const;
  /// Counts the samples of a window that lie side by side, from sample n on.
  std::int64_t side_by_side(const WindowSamples& window, int n) const;

 private:
  struct Ring : SceneSource {
    explicit Ring(const SceneSource& source) : SceneSource(source) {}
    float* samples = nullptr;
    std::int64_t end = kForever;
  };

  std::int64_t advance_;
  std::int64_t size_;
  std::vector<Ring> rings_;
  AlignedFloats memory_;
};

}  // namespace gpuconv
