// cpu_vectorised.hpp - method "cpu-vectorised"
//
//   y_e[n] = sum_{p=0}^{P-1} sum_{k=0}^{B-1} h_e[pB + k] x[n - pB - k],   0 <= n < N+K-1
//
//   P = ceil(K / B) partitions of B taps;   x = 0 outside [0, N),   h_e = 0 outside [0, K)
//
//   x  source      N floats        linear sample amplitude, full scale = 1
//   h  response    2 x K floats    gain per sample of delay
//   y  wet         2 x (N+K-1) floats
//
// Idea     Overlap-save with transforms of 2M samples, 2 to 8 times as long as the response. A
//          short source takes a single transform over all. A response too long for the longest
//          transform is cut into P partitions of M taps; otherwise P = 1, B = K.
// Order    The bytes depend on x, h, N and K only: not on threads, processor, or how the source is
//          read.
// Cost     For each A samples 3 transforms of 2M reals and 2P products of M complex numbers;
//          A = 2M - K + 1 for P = 1, otherwise M. Memory does not grow with N.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "host/base/signal.hpp"
#include "host/methods/cpu_negacyclic.hpp"
#include "host/methods/voice.hpp"

namespace gpuconv {

/// How source and response are cut. Window t has the 2M samples x[tA - lead, tA - lead + 2M) and
/// gives the wet frames [tA, tA + A).
struct VectorisedPlan {
  int half;        // M
  int advance;     // A
  int lead;        // samples of a window before its new ones: 2M - A, or 0 for a single window
  int partitions;  // P
  int part;        // B, taps of a partition

  bool is_single() const { return lead == 0; }
};

/// Which thread may call the source. A read that waits for another program belongs to the calling
/// thread, since signals interrupt no other one.
enum class SourceThread { calling, any };

/// A plan for one response; run() may be called any number of times, from several threads too.
class VectorisedConvolver {
 public:
  /// Sources shorter than this have a plan of their length; for all others the end is unknown.
  static constexpr int kShortSource = 1 << 18;

  /// The ears of `response` have the same length K >= 1. `threads`: 0 for all cores, or those of a
  /// ThreadLimit where run() is called.
  explicit VectorisedConvolver(const Stereo<Signal>& response, int threads = 0);
  ~VectorisedConvolver();

  /// Reads to the end of the source and writes its N+K-1 wet frames in order; none if N = 0. Both
  /// are called on the calling thread, the source of SourceThread::any on others, too: by one at a
  /// time, but while frames are written. The first exception of theirs ends the work and is thrown
  /// here. `threads`: 0 for those of the constructor; 1 starts none.
  void run(const ReadSource& source, const WriteWet& wet, int threads = 0,
           SourceThread source_thread = SourceThread::calling) const;

  /// Of `threads`, those that run() has work for.
  int workers(std::int64_t source_length, bool knows_spectra, int threads) const;

  const Stereo<Signal>& response() const { return response_; }
  /// Of memory, with the spectra so far.
  std::size_t bytes() const;

  static VectorisedPlan plan(std::int64_t source_length, std::int64_t response_length);
  /// For a scene of `length` frames without the last tail; that of one whole voice is the above.
  static VectorisedPlan plan(std::int64_t length, std::int64_t response_length,
                             std::span<const Voice> voices);

 private:
  class Pipeline;
  class Spectra;

  Stereo<Signal> response_;
  int threads_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, int>, std::shared_ptr<const Spectra>>
      spectra_;  // by half and partitions
};

}  // namespace gpuconv
