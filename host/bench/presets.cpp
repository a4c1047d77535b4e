#include "host/bench/presets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

constexpr std::int64_t kHour = 3600;

std::vector<Problem> ladder(Processor) {
  return {{"notebook", 5'000, 5'000}, {"head", 200'000, 70'000}};
}

std::vector<Problem> scaling(Processor) {
  std::vector<Problem> problems;
  for (int power = 8; power <= 26; ++power) {
    const std::int64_t N = std::int64_t{1} << power;
    problems.push_back({fmt::format("2^{}", power), N, N / 4});
  }
  return problems;
}

/// What the figures of a page show: sizes, taps, and the notebook's job. Two minutes on two
/// cores.
std::vector<Problem> page(Processor processor) {
  std::vector<Problem> problems;
  for (int power = 8; power <= (processor == Processor::gpu ? 24 : 19); ++power) {
    const std::int64_t N = std::int64_t{1} << power;
    problems.push_back({fmt::format("2^{}", power), N, N / 4});
  }
  for (int power = 0; power <= 13; ++power) {
    problems.push_back({fmt::format("2^{} taps", power), 30'000, std::int64_t{1} << power});
  }
  problems.push_back(ladder(processor).back());
  return problems;
}

/// 10 s and 1 s at 16 kHz. What is a thousand clips for a GPU is a hundred for a CPU.
std::vector<Problem> batch(Processor processor) {
  return {{"batch", 160'000, 16'000, processor == Processor::gpu ? 1024 : 100}};
}

std::vector<Problem> stream(Processor) {
  return {{"stream", 9'600'000, 70'000},
          {"hour at 16 kHz", kHour * 16'000, 70'000},
          {"hour at 48 kHz", kHour * 48'000, 70'000}};
}

std::vector<Problem> race(Processor processor) {
  if (processor == Processor::cpu)
    return {{"head", 200'000, 70'000}, {"stream", 9'600'000, 70'000}};
  return {{"short", 16'000, 4'000},
          {"head", 200'000, 70'000},
          batch(processor).front(),
          {"hour at 16 kHz", kHour * 16'000, 70'000},
          {"hour at 48 kHz", kHour * 48'000, 70'000}};
}

constexpr Preset kPresets[] = {
    {"ladder", "every method on 5000x5000 and 200000x70000", ladder},
    {"scaling", "2^8 to 2^26 samples, a quarter as many taps", scaling},
    {"batch", "clips of 160000 samples, 16000 taps", batch, true},
    {"stream", "10 minutes and an hour, 70000 taps", stream, true},
    {"peers", "against FFTW on the CPU and cuFFT on a GPU, as far as this program has them", race,
     true, true},
    {"page", "what the figures of --report show", page, false, false, true},
};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Preset& find_preset(std::string_view name) {
  std::string names;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return preset;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", preset.name);
  }
  throw UsageError(fmt::format(
      "bench {}: no such benchmark; there are {}, and sizes are given with --size", name, names));
}

Bench bench_for(const Preset& preset) {
  Bench bench;
  if (preset.is_brief) {
    bench.rule = {.warm_ups = 0, .fewest = 7, .seconds = 0.15, .patience = 1};
    bench.too_slow = 3.2;  // the double loop for the notebook's job takes 2.8 s
  }
  if (preset.is_race) bench.field = 20;
  return bench;
}

Problem tiny(Problem problem) {
  problem.N = std::clamp<std::int64_t>(problem.N / 100'000, 40, 600);
  problem.K = std::clamp<std::int64_t>(problem.K / 1'000, 7, 120);
  problem.clips = std::min(3, problem.clips);
  problem.name = fmt::format("{}x{}", problem.N, problem.K);
  if (problem.clips > 1) problem.name += fmt::format("x{}", problem.clips);
  return problem;
}

}  // namespace gpuconv
