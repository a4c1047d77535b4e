#include "host/methods/method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/range.hpp"
#include "host/base/error.hpp"
#include "host/methods/cpu_cooley_tukey.hpp"
#include "host/methods/cpu_dft.hpp"
#include "host/methods/cpu_hybrid.hpp"
#include "host/methods/cpu_lengths.hpp"
#include "host/methods/cpu_naive.hpp"
#include "host/methods/cpu_threads.hpp"
#include "host/methods/cpu_vectorised.hpp"

namespace gpuconv {
namespace {

constexpr int kEars = 2;

// ---- operations of both ears; a multiply-add counts as two ------------------------------------

/// 2.5 L log2 L: the usual count of a real transform.
double real_transform(double L) { return 2.5 * L * std::log2(std::max(L, 2.0)); }

double operations_direct(double N, double K) { return kEars * 2 * N * K; }

/// cpu-threads sums whole chunks of taps for whole tiles of outputs: for a short source, each tile
/// meets as many taps as it and the tile have samples.
double work_threads(double N, double K) {
  constexpr double kTile = 2048;
  constexpr double kChunk = 1024;
  const double taps = std::min(K, N + kTile + kChunk / 2);
  return kEars * 2 * std::max(N + K - 1, kTile) * taps;
}

double whole_block(double N, double K) {
  return std::min(N, static_cast<double>(whole_block_length(static_cast<std::int64_t>(K))));
}

double blocks_whole(double N, double K) { return std::ceil(N / whole_block(N, K)); }

/// One transform of x, two of h, two back; L^2 products of a real and a complex number each, two
/// of complex numbers on the way back.
double operations_dft(double N, double K) {
  const double L = whole_block(N, K) + K - 1;
  return blocks_whole(N, K) * (3 * 4 + 2 * 8) * L * L / 2;
}

/// Five complex transforms of 5 L log2 L.
double operations_cooley_tukey(double N, double K) {
  const double L = std::exp2(std::ceil(std::log2(std::max(whole_block(N, K) + K - 1, 2.0))));
  return blocks_whole(N, K) * (5 * 2 * real_transform(L) + kEars * 6 * L);
}

double operations_vectorised(double N, double K) {
  const VectorisedPlan plan =
      VectorisedConvolver::plan(static_cast<std::int64_t>(N), static_cast<std::int64_t>(K));
  const double windows = plan.is_single() ? 1 : std::ceil((N + plan.lead) / plan.advance);
  const double wet_blocks = plan.is_single() ? 1 : std::ceil((N + K - 1) / plan.advance);
  const double transforms = windows + kEars * (wet_blocks + plan.partitions);
  return transforms * real_transform(2 * plan.half) +
         windows * kEars * plan.partitions * 8.0 * plan.half;
}

// ---- GPU methods: blocks and transforms as their plans have them -------------------------------

/// The lengths that `plan`, such as fused_lengths(), chooses.
template <auto plan>
auto lengths_of(double N, double K) {
  return plan(static_cast<std::int64_t>(N), static_cast<int>(K));
}

/// Infinity for a response that is too long for the method.
template <auto plan>
double blocks(double N, double K) {
  const auto lengths = lengths_of<plan>(N, K);
  if constexpr (std::is_same_v<decltype(lengths), const SegmentLengths>) {
    if (lengths.block_length == 0) return std::numeric_limits<double>::infinity();
    return static_cast<double>(lengths.blocks(static_cast<std::int64_t>(N), static_cast<int>(K)));
  } else {
    return std::ceil(N / lengths.block_length);
  }
}

double blocks_direct(double N, double) {
  return std::ceil(N / direct_block_length(static_cast<std::int64_t>(N)));
}

template <auto plan>
double segments(double N, double K) {
  const SegmentLengths lengths = lengths_of<plan>(N, K);
  if (lengths.block_length == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(
      lengths.all_segments(static_cast<std::int64_t>(N), static_cast<int>(K)));
}

/// As Convolver::cost() counts.
template <auto plan, auto operations_of_segment>
double operations(double N, double K) {
  return segments<plan>(N, K) * operations_of_segment(lengths_of<plan>(N, K).segment_samples / 2);
}

double operations_radix2(double N, double K) {
  return (3 * segments<radix2_lengths>(N, K) + kEars) *
         real_transform(lengths_of<radix2_lengths>(N, K).segment_samples);
}

double operations_cufft(double N, double K) {
  return (3 * blocks<cufft_lengths>(N, K) + kEars) *
         real_transform(lengths_of<cufft_lengths>(N, K).length);
}

// ---- transforms, for the error bounds ---------------------------------------------------------

Method::Transform transform_dft(std::int64_t N, std::int64_t K) {
  return {std::min(N, whole_block_length(K)) + K - 1, 1};
}

Method::Transform transform_cooley_tukey(std::int64_t N, std::int64_t K) {
  const std::int64_t length = transform_dft(N, K).length;
  return {static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(length))), 1};
}

Method::Transform transform_vectorised(std::int64_t N, std::int64_t K) {
  const VectorisedPlan plan = VectorisedConvolver::plan(N, K);
  return {2 * plan.half, plan.partitions};
}

template <auto plan>
Method::Transform transform(std::int64_t N, std::int64_t K) {
  return {plan(N, static_cast<int>(K)).segment_samples, 1};
}

Method::Transform transform_cufft(std::int64_t N, std::int64_t K) {
  return {cufft_lengths(N, static_cast<int>(K)).length, 1};
}

// ---- the ladder -------------------------------------------------------------------------------

constexpr Method kMethods[] = {
    {.name = "cpu-naive",
     .processor = Processor::cpu,
     .is_direct = true,
     .idea = "the double loop of the definition, one thread",
     .complexity = "N K",
     .operations = operations_direct,
     .speed = {19e9, 1.2e9, 3e-6},
     .convolve = convolve_naive},
    {.name = "cpu-threads",
     .processor = Processor::cpu,
     .is_direct = true,
     .takes_all_cores = true,
     .idea = "the loops exchanged: register-tiled sums, all cores",
     .complexity = "N K",
     .operations = operations_direct,
     .work = work_threads,
     .speed = {120e9, 1.4e9, 55e-6},
     .convolve = convolve_threads},
    {.name = "cpu-dft",
     .processor = Processor::cpu,
     .idea = "frequency domain, by the definition of the Fourier transform",
     .complexity = "L^2",
     .operations = operations_dft,
     .speed = {1.1e9, 1e9, 3e-6},
     .transform = transform_dft,
     .convolve = convolve_dft},
    {.name = "cpu-cooley-tukey",
     .processor = Processor::cpu,
     .idea = "recursive radix-2 Cooley-Tukey",
     .complexity = "L log L",
     .operations = operations_cooley_tukey,
     .speed = {0.85e9, 1e9, 3e-6},
     .transform = transform_cooley_tukey,
     .convolve = convolve_cooley_tukey},
    {.name = "cpu-hybrid",
     .processor = Processor::cpu,
     .idea = "Cooley-Tukey that stops at a small DFT leaf",
     .complexity = "L log L",
     .operations = operations_cooley_tukey,
     .speed = {0.95e9, 1e9, 3e-6},
     .transform = transform_cooley_tukey,
     .convolve = [](std::span<const float> source, std::span<const float> response,
                    std::span<float> wet) { convolve_hybrid(source, response, wet); }},
    {.name = "cpu-vectorised",
     .processor = Processor::cpu,
     .takes_all_cores = true,
     .idea = "SIMD transforms, overlap-save in long windows, all cores",
     .complexity = "L log K",
     .operations = operations_vectorised,
     .speed = {80e9, 20e9, 55e-6},
     .transform = transform_vectorised},
    {.name = "gpu-direct",
     .processor = Processor::gpu,
     .is_direct = true,
     .idea = "one thread per output",
     .complexity = "N K",
     .operations = operations_direct,
     .blocks = blocks_direct,
     .speed = {0.1, 10e9, 100e-6},
     .plan = plan_gpu_direct,
     .plan_voices = plan_voices_direct},
    {.name = "gpu-tiled",
     .processor = Processor::gpu,
     .is_direct = true,
     .idea = "tiles in shared memory, 16 outputs per thread in registers",
     .complexity = "N K",
     .operations = operations_direct,
     .blocks = blocks_direct,
     .speed = {0.4, 10e9, 100e-6},
     .plan = plan_gpu_tiled,
     .plan_voices = plan_voices_tiled},
    {.name = "gpu-radix2",
     .processor = Processor::gpu,
     .idea = "own radix-2 Cooley-Tukey, batched overlap-save, no bit reversal",
     .complexity = "L log K",
     .operations = operations_radix2,
     .blocks = blocks<radix2_lengths>,
     .speed = {0.02, 10e9, 200e-6},
     .transform = transform<radix2_lengths>,
     .plan = plan_gpu_radix2,
     .plan_voices = plan_voices_radix2},
    {.name = "gpu-cufft",
     .processor = Processor::gpu,
     .is_yardstick = true,
     .idea = "the yardstick: cuFFT, padded to a length 2^a 3^b 5^c 7^d",
     .complexity = "L log L",
     .operations = operations_cufft,
     .blocks = blocks<cufft_lengths>,
     .speed = {0.03, 10e9, 200e-6},
     .transform = transform_cufft,
     .why_missing = why_no_cufft,
     .plan = plan_gpu_cufft,
     .plan_voices = plan_voices_cufft},
    {.name = "gpu-fourstep",
     .processor = Processor::gpu,
     .idea = "three passes over memory: padding, products and cropping cost none",
     .complexity = "L log K",
     .operations = operations<fourstep_lengths, fourstep_operations>,
     .blocks = blocks<fourstep_lengths>,
     .speed = {0.2, 10e9, 100e-6},
     .longest_response = kLongestFourstepResponse,
     .transform = transform<fourstep_lengths>,
     .plan = plan_gpu_fourstep,
     .plan_voices = plan_voices_fourstep,
     .segments = fourstep_lengths},
    {.name = "gpu-fused",
     .processor = Processor::gpu,
     .idea = "one launch: transform, product and inverse on the chip",
     .complexity = "L log K",
     .operations = operations<fused_lengths, fused_operations>,
     .blocks = blocks<fused_lengths>,
     .speed = {0.25, 10e9, 80e-6},
     .longest_response = kLongestFusedResponse,
     .shared_bytes =
         [](std::int64_t N, std::int64_t K) {
           return fused_shared_bytes(fused_lengths(N, static_cast<int>(K)));
         },
     .transform = transform<fused_lengths>,
     .plan = plan_gpu_fused,
     .plan_voices = plan_voices_fused,
     .segments = fused_lengths},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

const Method& find_method(std::string_view name) {
  const auto method = std::ranges::find(kMethods, name, &Method::name);
  if (method != std::end(kMethods)) return *method;
  std::string names = "auto";
  for (const Method& one : kMethods) names.append(", ").append(one.name);
  throw UsageError(fmt::format("--method {}: no such method; there are {}", name, names));
}

ErrorBound direct_error_bound(std::int64_t K) {
  return {0.75 * kUnit * (1 + std::sqrt(static_cast<double>(K))),
          static_cast<double>(K + 1) * kUnit};
}

ErrorBound transform_error_bound(const Method::Transform& transform, std::int64_t N,
                                 std::int64_t K) {
  const double stages = std::log2(static_cast<double>(std::max<std::int64_t>(transform.length, 2)));
  const double partitions = static_cast<double>(transform.partitions);
  const double relative = 1.5 * kUnit * std::sqrt(2 * stages + partitions / 2);
  const std::int64_t length = std::min(transform.length, N + K - 1);
  if (length <= 64) return {relative, std::max(relative, 3 * kUnit)};
  return {relative, (length <= 2048 ? 3 : 1) * kUnit};
}

ErrorBound error_bound(const Method& method, std::int64_t N, std::int64_t K) {
  return method.is_direct ? direct_error_bound(K)
                          : transform_error_bound(method.transform(N, K), N, K);
}

}  // namespace gpuconv
