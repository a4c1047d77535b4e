#include "host/bench/selftest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/base/error.hpp"
#include "host/base/noise.hpp"
#include "host/methods/definition.hpp"

namespace gpuconv {
namespace {

/// More would take seconds with the double loops, and minutes on an emulated GPU.
constexpr double kMostOperations = 1e8;

/// How the error of cuda/methods/cufft_library.cpp begins without cuFFT, which is not a
/// failure.
constexpr std::string_view kNoCufft = "cuFFT is not installed";

/// `gain` is that of each ear: 0 for one that must stay exactly silent, 0.001 for one in the shade.
struct Trial {
  std::size_t N;
  std::size_t K;
  Stereo<float> gain;
};

/// Either operand longer; lengths around a warp, a tile of shared memory, a power of two of N+K-1.
constexpr Trial kProblems[] = {
    {1, 1, {1, 1}},      {1, 3, {1, 1}},       {33, 31, {1, 1}},    {300, 513, {1, 0}},
    {513, 512, {0, 1}},  {2049, 300, {1, 1}},  {333, 2500, {1, 1}}, {4000, 97, {1, 0.001f}},
    {700, 1, {0.5f, 1}}, {20000, 700, {1, 1}},
};

Signal noise(std::size_t length, float gain, std::uint64_t seed) {
  Signal signal = gpuconv::noise(length, seed);
  for (float& sample : signal) sample *= gain;
  return signal;
}

/// E = ||y^ - y|| / max(||y||, ||x|| ||h||). What should be silent and is has no error; what should
/// be and is not has an infinite one.
double error_of(const Signal& wet, const Signal& source, const Signal& response) {
  double errors = 0;
  double squares = 0;
  for (std::size_t n = 0; n < wet.size(); ++n) {
    const double expected = definition(source, 0, response, static_cast<std::int64_t>(n)).value;
    const double error = double{wet[n]} - expected;
    errors += error * error;
    squares += expected * expected;
  }
  if (errors == 0) return 0;
  return std::sqrt(errors) / std::max(std::sqrt(squares), norm(source) * norm(response));
}

Stereo<Signal> render(Renderer& renderer, const Signal& source) {
  std::size_t used = 0;
  const auto read = [&](std::span<float> block) {
    const std::size_t count = std::min(block.size(), source.size() - used);
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(used), count, block.begin());
    used += count;
    return count;
  };
  Stereo<Signal> wet;
  renderer.run(read, [&](Stereo<std::span<const float>> frames) {
    for (const Side side : kSides) {
      wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
    }
  });
  return wet;
}

/// Takes one ear's result into `test`.
void judge(SelfTest& test, Side side, const Signal& wet, const Signal& source,
           const Signal& response) {
  const std::string where =
      fmt::format("{} ear, {} samples, {} taps", name(side), source.size(), response.size());
  const std::size_t expected = source.size() + response.size() - 1;
  if (wet.size() != expected) {
    test.failure = fmt::format("{} frames instead of {} ({})", wet.size(), expected, where);
    return;
  }
  const double bound = error_bound(*test.method, static_cast<std::int64_t>(source.size()),
                                   static_cast<std::int64_t>(response.size()))
                           .relative /
                       kUnit;
  const double error = error_of(wet, source, response) / kUnit;
  // Written so that a NaN counts as the worst, and fails.
  if (test.bound == 0 || !(error * test.bound <= test.error * bound)) {
    test.error = error;
    test.bound = bound;
  }
  if (!(error <= bound)) {
    test.failure = fmt::format("error {:.3g} u exceeds {:.3g} u ({})", error, bound, where);
  }
}

void try_problem(SelfTest& test, const Trial& problem, int device, const MakeRenderer& make) {
  const Signal source = noise(problem.N, 1.0f, 1);
  const Stereo<Signal> response{noise(problem.K, problem.gain.left, 2),
                                noise(problem.K, problem.gain.right, 3)};
  const auto renderer =
      make(*test.method, response, static_cast<std::int64_t>(source.size()), device);
  const Stereo<Signal> wet = render(*renderer, source);
  ++test.problems;
  for (const Side side : kSides) {
    if (test.failure.empty()) judge(test, side, wet[side], source, response[side]);
  }
}

bool is_small_enough(const Method& method, const Trial& problem) {
  return method.operations(static_cast<double>(problem.N), static_cast<double>(problem.K)) <=
         kMostOperations;
}

}  // namespace

SelfTest selftest(const Method& method, const std::optional<Device>& device,
                  const std::string& why_no_device, const MakeRenderer& make) {
  SelfTest test{.method = &method};
  if (method.processor == Processor::gpu && !device) {
    test.not_here = why_no_device;
    return test;
  }
  try {
    for (const Trial& problem : kProblems) {
      if (!test.failure.empty()) break;
      if (is_small_enough(method, problem))
        try_problem(test, problem, device ? device->index : 0, make);
    }
  } catch (const std::exception& error) {
    const bool is_missing = std::string_view(error.what()).starts_with(kNoCufft);
    (is_missing ? test.not_here : test.failure) = error.what();
  }
  return test;
}

}  // namespace gpuconv
