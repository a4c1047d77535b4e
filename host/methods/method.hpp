// method.hpp - the ladder: one table that program, tests, benchmark and README all walk
//
// Letters: N samples of source, K taps of response, wet length N+K-1. u = 2^-24.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cuda/methods/lengths.hpp"
#include "cuda/methods/plans.hpp"
#include "host/base/signal.hpp"

namespace gpuconv {

enum class Processor { cpu, gpu };

/// The unit round-off of float32, u.
inline constexpr double kUnit = 0x1p-24;

/// What rounding may do to one ear, for double references y and float results y^.
struct ErrorBound {
  /// On E = ||y^ - y|| / max(||y||, ||x|| ||h||).
  double relative;
  /// FFT methods: on max |y^ - y| / (||x|| ||h||). Direct methods: on |y^[n] - y[n]| /
  /// sum_k |h[k] x[n-k]| for every n.
  double peak;
};

/// What estimates are made of; see cost_model.hpp. Those of CPU methods were measured on two cores
/// of an AMD EPYC (Zen 4), those of GPU methods are predictions.
struct Speed {
  double rate;       ///< CPU: operations per second. GPU: as a share of the device's peak
  double bandwidth;  ///< bytes of source and frames per second
  double launch;     ///< seconds of a block with nothing in it: threads, buffers, kernel launches
};

struct Method {
  std::string_view name;
  Processor processor;
  bool is_direct = false;        ///< sums of products in the time domain, no transform
  bool takes_all_cores = false;  ///< of the CPU; the others there take one
  bool is_yardstick = false;     ///< somebody else's transform: never chosen by "auto"
  std::string_view idea;         ///< one line
  std::string_view complexity;   ///< of one ear
  /// Floating-point operations of both ears together.
  double (*operations)(double N, double K);
  /// The same with those that are wasted, for estimates. Null: none are.
  double (*work)(double N, double K) = nullptr;
  /// Blocks that are queued one by one; null: one.
  double (*blocks)(double N, double K) = nullptr;
  Speed speed;  ///< built in; "gpuconv bench --calibrate" measures it
  /// K that a GPU method can do.
  std::int64_t longest_response = kLongestResponse;
  /// Bytes that a block needs of a GPU's shared memory. Null: no more than every GPU has.
  std::size_t (*shared_bytes)(std::int64_t N, std::int64_t K) = nullptr;
  /// Real transform length and number of partitions summed; direct methods have none.
  struct Transform {
    std::int64_t length;
    std::int64_t partitions;
  };
  Transform (*transform)(std::int64_t N, std::int64_t K) = nullptr;
  /// One ear at a time in host memory; null for the others.
  void (*convolve)(std::span<const float> source, std::span<const float> response,
                   std::span<float> wet) = nullptr;
  /// Why what it needs beside a GPU is missing; empty if it is there. Null: it needs nothing.
  std::string (*why_missing)() = nullptr;
  PlanConvolver* plan = nullptr;      ///< GPU methods
  PlanVoices* plan_voices = nullptr;  ///< these, for scenes
  /// The lengths of its segments, which are convolved independently of each other: several clips
  /// can share a launch. Null: they cannot.
  SegmentLengths (*segments)(std::int64_t N, int K) = nullptr;
};

std::span<const Method> methods();

/// Throws UsageError, which lists all names.
const Method& find_method(std::string_view name);

/// Direct methods: E <= 0.75 u (1 + sqrt(K)), and for every sound (K+1) u per sample. FFT methods,
/// L the transform's length and P the partitions: E <= e = 1.5 u sqrt(2 log2 L + P/2) and peak u (3
/// u where L or the wet signal is no longer than 2048, e if that is more up to 64: all of the error
/// can then stand in one sample). The bounds on E hold for broadband sound, such as speech in a
/// room, whose rounding errors add up like noise. Of a coherent one, a tone or a click, they can
/// meet at one frequency at which the other operand is strongest; for every sound the error stays
/// below e max(||x||_1 ||h||_2, ||x||_2 ||h||_1), by Young's inequality for convolutions.
ErrorBound error_bound(const Method& method, std::int64_t N, std::int64_t K);
ErrorBound direct_error_bound(std::int64_t K);
ErrorBound transform_error_bound(const Method::Transform& transform, std::int64_t N,
                                 std::int64_t K);

}  // namespace gpuconv
