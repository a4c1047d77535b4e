// clip_layout.hpp - where the clips of a group stand, so that one launch convolves all of them
//
// A clip is a source that is at most as long as a block. Its bytes depend on its samples and on the
// lengths of its segments, which follow from N and K, because segments are convolved independently
// of each other. So clips whose segments have the same lengths, a bucket, stand one after the other
// as if they were one source:
//
//   | N samples, zeros ... | N' samples, zeros ... | ...
//
// Each begins a segment, and takes as many segments as it would alone. The zeros after it are at
// least as many as a segment reads of what is before it. A group is then one block of a Convolver
// with a source of S - (K-1) samples and S frames, where S is the sum of the lengths.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/methods/method.hpp"

namespace gpuconv {

/// The bucket of a clip.
struct ClipLengths {
  int taps;             ///< K
  int segment_samples;  ///< see SegmentLengths
  int overlap;
  bool operator==(const ClipLengths&) const = default;

  int advance() const { return segment_samples - overlap; }
};

/// Samples and zeros of a group: 8 MiB of source, 16 MiB of frames.
inline constexpr std::int64_t kGroupSamples = std::int64_t{1} << 21;

/// The bucket of a source of N samples. Nothing if it takes several blocks or is longer than a
/// group, or if the method takes no clips.
std::optional<ClipLengths> clip_lengths(const Method& method, std::int64_t N, std::int64_t K);

/// Whether a plan for sources of N samples has the lengths of one for `other` samples, so that
/// either gives the same bytes.
bool plans_alike(const Method& method, std::int64_t N, std::int64_t other, std::int64_t K);

/// In samples of the group's source, and in frames of its wet signals.
struct ClipPlace {
  std::size_t start;
  std::size_t samples;  ///< N
  std::size_t frames;   ///< N + K - 1
  std::size_t length;   ///< with the zeros, a multiple of the advance
};

class ClipLayout {
 public:
  explicit ClipLayout(const ClipLengths& lengths) : lengths_(lengths) {}

  /// Places a clip of N samples after the others; nothing if kGroupSamples are too few for it.
  std::optional<ClipPlace> add(std::int64_t N);

  const ClipLengths& lengths() const { return lengths_; }
  const std::vector<ClipPlace>& places() const { return places_; }
  /// S.
  std::size_t size() const { return size_; }

 private:
  ClipLengths lengths_;
  std::vector<ClipPlace> places_;
  std::size_t size_ = 0;
};

}  // namespace gpuconv
