#include "host/base/loudness.hpp"

#include <ebur128.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <new>

namespace gpuconv {
namespace {

constexpr double kOffset = -0.691;     // LUFS of a mean square of 1
constexpr double kAbsoluteGate = -70;  // LUFS
constexpr double kRelativeGate = -10;  // LU

double lufs_of(double mean_square) { return kOffset + 10 * std::log10(mean_square); }
double mean_square_of(double lufs) { return std::pow(10.0, (lufs - kOffset) / 10); }

}  // namespace

struct LoudnessMeter::State {
  State(unsigned channels, unsigned long rate)
      : library(ebur128_init(channels, rate, EBUR128_MODE_M)) {
    if (library == nullptr) throw std::bad_alloc();  // the numbers are in its range
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ebur128_destroy(&library); }

  ebur128_state* library;
};

LoudnessMeter::LoudnessMeter(int rate, int channels)
    : state_(std::make_unique<State>(static_cast<unsigned>(channels),
                                     static_cast<unsigned long>(rate))),
      channels_(static_cast<std::size_t>(channels)),
      hop_(static_cast<std::size_t>(hop_frames(rate)) * channels_) {
  frames_.reserve(hop_);
}

LoudnessMeter::~LoudnessMeter() = default;

void LoudnessMeter::take(Stereo<std::span<const float>> wet) {
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    frames_.push_back(wet.left[n]);
    if (channels_ == 2) frames_.push_back(wet.right[n]);
    if (frames_.size() == hop_) take_hop();
  }
}

void LoudnessMeter::take_hop() {
  if (ebur128_add_frames_float(state_->library, frames_.data(), hop_ / channels_) !=
      EBUR128_SUCCESS) {
    throw std::bad_alloc();  // nothing else can be wrong
  }
  frames_.clear();
  if (++hops_ < kHopsOfBlock) return;
  double lufs = 0;
  ebur128_loudness_momentary(state_->library, &lufs);
  blocks_.push_back(mean_square_of(lufs));  // of silence: minus infinity, and 0
}

/// Mean of the blocks times `gain` that are above `least`; 0 if there are none.
double LoudnessMeter::mean_above(double gain, double least) const {
  double sum = 0;
  std::int64_t count = 0;
  for (const double block : blocks_) {
    if (gain * block <= least) continue;
    sum += gain * block;
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

std::optional<double> LoudnessMeter::loudness(double gain_db) const {
  const double gain = std::pow(10.0, gain_db / 10);
  const double absolute = mean_square_of(kAbsoluteGate);
  const double ungated = mean_above(gain, absolute);
  if (ungated == 0) return std::nullopt;
  const double relative = ungated * std::pow(10.0, kRelativeGate / 10);
  return lufs_of(mean_above(gain, std::max(absolute, relative)));
}

std::optional<double> LoudnessMeter::gain_to(double lufs) const {
  const double loudest = blocks_.empty() ? 0 : *std::ranges::max_element(blocks_);
  if (loudest == 0) return std::nullopt;
  // No result is louder than its loudest block, so this gain is the least that can be right.
  double gain = lufs - lufs_of(loudest);
  double best = gain;
  double least = HUGE_VAL;
  constexpr int kSteps = 20;
  constexpr double kEnough = 1e-9;  // LU; where no gate moves, the second step is there
  for (int step = 0; step < kSteps && least > kEnough; ++step) {
    const auto reached = loudness(gain);
    if (!reached) break;  // all below the gate
    const double missing = lufs - *reached;
    if (std::abs(missing) < least) {
      least = std::abs(missing);
      best = gain;
    }
    gain += missing;
  }
  return best;
}

std::string ebur128_library_version() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  ebur128_get_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

}  // namespace gpuconv
