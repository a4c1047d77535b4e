// verification.hpp - 64 random samples of the result, compared with the definition
//
//   y_e[n] = sum_v sum_k h_{v,e}[k] g_v[n-k] x_v[n-k]   in double, for 32 random n and both ears,
//                                                       while the x_v stream by; see voice.hpp
//
// It notices errors larger than rounding: a lost, swapped or repeated block, exchanged ears or
// voices, a fade at another time, a flipped exponent bit. If the length of the scene is unknown, 32
// frames lie in the known part and 8 more in each doubling.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/definition.hpp"
#include "host/methods/method.hpp"
#include "host/methods/voice.hpp"

namespace gpuconv {

/// What a renderer of a scene gets.
struct VerifiedScene {
  SceneResponses responses;
  std::vector<Voice> voices;
  std::vector<std::int64_t> starts;  ///< frames, of each source
  std::int64_t planned_length = 0;   ///< for which the renderer is planned
  std::int64_t known_length = 0;     ///< frames that will come for certain, without the last tail
};

class Verification {
 public:
  /// Verifies one whole source. `source_length` is N, or the number of samples that will come for
  /// certain. `response` must outlive the verification.
  Verification(const Stereo<Signal>& response, std::int64_t source_length);
  /// Verifies a scene, whose renderer takes responses() instead of those in `scene`.
  explicit Verification(VerifiedScene scene);

  /// Those of the scene, with their energies noted. They refer to the verification, which outlives
  /// them.
  SceneResponses responses();

  /// Takes the next samples of a source. May be called while another thread is in wet().
  void source(std::span<const float> block, std::size_t number = 0);
  /// Takes the next frames, from the first on. Their samples have been taken before.
  void wet(Stereo<std::span<const float>> frames);

  /// Compares, after the last sample and frame. If a frame differs by more than the method's
  /// rounding, throws GpuError, or std::runtime_error for a CPU method. The message names the
  /// frame.
  ///
  /// One whole source has the bound of its method (error_bound()). In a scene, a frame of an FFT
  /// method may be off by 1.5 u sqrt(2 log2 L + P V/2) sum_v ||x_v|| ||h_v||, V and x_v those that
  /// are heard in the transforms in which the frame is, and by 3 u of that for faded voices. For
  /// voices of one source that follow each other, twice the root of the sum of squares stands
  /// instead of the sum, if it is less. A frame of a direct method may be off by (K + V + 3) u
  /// sum_v sum_k |h_v[k] x_v[n-k]|.
  void check(const Method& method);

  /// Number of samples compared.
  std::int64_t samples() const;

 private:
  struct Probe {
    std::int64_t n;
    Stereo<ExactSample> exact;  // the sum so far
    Stereo<float> seen;
  };
  struct Source {
    std::int64_t start = 0;
    std::int64_t read = 0;            // samples
    std::vector<double> energies;     // of so many samples each: see kEnergySamples
    std::vector<std::size_t> voices;  // in the order in which they begin
    bool overlaps = false;            // more than two of these at a time
    std::size_t next = 0;             // of these
    std::vector<std::size_t> heard;   // those that have begun and not ended
  };
  struct Limit {
    Stereo<double> norms;  // sum_v ||x_v|| ||h_v||
    double voices = 0;     // V
    double loudest = 0;    // energy of a source or a response
    bool is_faded = false;
  };

  void add_probes(std::int64_t first, std::int64_t last, int count);
  void add(const Voice& voice, std::int64_t begin, std::span<const float> block);
  std::shared_ptr<const Stereo<Signal>> load(std::size_t response);
  Stereo<double> energies_of(std::size_t response);
  Method::Transform transform_of(const Method& method) const;
  double energy_of(const Source& source, std::int64_t begin, std::int64_t end) const;
  Limit limit_of(std::int64_t begin, std::int64_t end);

  VerifiedScene scene_;
  std::int64_t taps_;  // K
  bool is_one_ = false;
  std::mutex load_mutex_;  // for the responses; a thread that holds both took it second
  std::vector<std::optional<Stereo<double>>> response_energies_;
  std::mutex mutex_;  // for all below
  std::uint64_t random_;
  std::int64_t probed_;  // earlier frames have their probes
  std::vector<Probe> probes_;
  std::vector<Source> sources_;
  std::int64_t furthest_ = 0;  // frame that any source has come to
  std::int64_t latest_ = 0;    // frames until the latest source that has been read
  std::int64_t frames_seen_ = 0;
  Signal faded_;
};

}  // namespace gpuconv
