// cpu_peaks.cpp - compiled once for each kind of processor, chosen when the program runs
#include "host/bench/cpu_peaks.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/bench/cpu_peaks.cpp"
#include "host/base/vector_targets.hpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h, which includes this file again for each target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Sixteen independent chains of fused multiply-adds: enough to hide their latency, few enough for
/// the registers. Returns the operations, two each; what it computed goes to `sum`, or the compiler
/// would leave it out.
double multiply_add(int rounds, float* sum) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int kChains = 16;
  V chain[kChains];
  for (int c = 0; c < kChains; ++c) chain[c] = hn::Set(d, static_cast<float>(c));
  const V factor = hn::Set(d, 0.999f);
  const V summand = hn::Set(d, 0.5f);
  for (int round = 0; round < rounds; ++round) {
    for (V& v : chain) v = hn::MulAdd(v, factor, summand);
  }
  V total = hn::Zero(d);
  for (const V& v : chain) total = hn::Add(total, v);
  *sum = hn::GetLane(hn::SumOfLanes(d, total));
  return 2.0 * kChains * rounds * static_cast<double>(hn::Lanes(d));
}

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "host/base/parallel.hpp"
#include "host/bench/timer.hpp"

namespace gpuconv {

HWY_EXPORT(multiply_add);

namespace {

double shortest_of(int runs, const std::function<void()>& body) {
  double shortest = std::numeric_limits<double>::infinity();
  for (int run = 0; run < runs; ++run) shortest = std::min(shortest, seconds_of(body));
  return shortest;
}

}  // namespace

Peaks measure_cpu_peaks(std::size_t copied_bytes, int fma_rounds, int runs) {
  Peaks peaks;
  const std::vector<char> from(copied_bytes, 1);
  std::vector<char> to(copied_bytes);
  const double copying = shortest_of(runs, [&] {
    run_workers(0, [&](int worker, int workers) {
      const auto part = [&](int w) {
        return copied_bytes * static_cast<std::size_t>(w) / static_cast<std::size_t>(workers);
      };
      std::memcpy(to.data() + part(worker), from.data() + part(worker),
                  part(worker + 1) - part(worker));
    });
  });
  peaks.bytes_per_second = 2.0 * static_cast<double>(copied_bytes) / copying;

  std::vector<double> operations(static_cast<std::size_t>(core_count()));
  std::vector<float> sums(operations.size());
  const double adding = shortest_of(runs, [&] {
    run_workers(0, [&](int worker, int) {
      const auto w = static_cast<std::size_t>(worker);
      operations[w] = HWY_DYNAMIC_DISPATCH(multiply_add)(fma_rounds, &sums[w]);
    });
  });
  for (const double of_worker : operations) peaks.flops += of_worker / adding;
  return peaks;
}

}  // namespace gpuconv

#endif  // HWY_ONCE
