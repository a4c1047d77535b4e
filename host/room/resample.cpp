#include "host/room/resample.hpp"

#include <fmt/core.h>
#include <soxr.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>

#include "host/base/error.hpp"
#include "host/read/audio_file.hpp"

namespace gpuconv {
namespace {

/// soxr's VHQ filter falls below 1e-8 of its peak 134 samples of the slower rate from the middle
/// (measured for ratios from 1:24 to 24:1).
constexpr int kReach = 160;

/// Rates further apart than this are a mistake: 768 kHz and 3 kHz.
constexpr int kMaxRatio = 256;

struct Delete {
  void operator()(soxr* resampler) const { soxr_delete(resampler); }
};

/// Rates are in range, so that soxr can fail for want of memory only.
void check(soxr_error_t error) {
  if (error != nullptr) throw GpuError(fmt::format("resampling: {}", error));
}

struct Ratio {
  std::int64_t from;
  std::int64_t to;

  /// Samples of the old rate that the filter rings to each side.
  std::int64_t reach() const { return (kReach * std::max(from, to) + to - 1) / to; }
  std::int64_t ceil(std::int64_t samples) const { return (samples * to + from - 1) / from; }
  /// Fewest samples of the old rate that are a whole number of new ones.
  std::int64_t period() const { return from / std::gcd(from, to); }
};

/// At least `least` samples of the old rate that are a whole number of new ones.
std::int64_t lead_for(const Ratio& ratio, std::int64_t least) {
  return (least + ratio.period() - 1) / ratio.period() * ratio.period();
}

std::unique_ptr<soxr, Delete> make_soxr(double from, double to, unsigned channels, double scale) {
  soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  io.scale = scale;
  // Without SOXR_HI_PREC_CLOCK, rates whose ratio has large terms drift apart (after 10 s by -90
  // dB); without SOXR_ROLLOFF_NONE, the filter falls by 0.004 dB below its edge (-66 dB).
  const soxr_quality_spec_t quality =
      soxr_quality_spec(SOXR_VHQ, SOXR_HI_PREC_CLOCK | SOXR_ROLLOFF_NONE);
  soxr_error_t error = nullptr;
  std::unique_ptr<soxr, Delete> resampler(
      soxr_create(from, to, channels, &error, &io, &quality, nullptr));
  check(error);
  return resampler;
}

/// `length` samples from `first` on of what `taps` become at the new rate.
Signal convert(const Signal& taps, const Ratio& ratio, std::size_t first, std::size_t length) {
  const auto from = static_cast<double>(ratio.from);
  const auto to = static_cast<double>(ratio.to);
  const auto resampler = make_soxr(from, to, 1, from / to);

  length += first;
  Signal converted(length);
  std::size_t read = 0;
  std::size_t written = 0;
  while (written < length) {
    const bool flush = read == taps.size();
    std::size_t taken = 0;
    std::size_t made = 0;
    check(soxr_process(resampler.get(), flush ? nullptr : taps.data() + read, taps.size() - read,
                       &taken, converted.data() + written, length - written, &made));
    read += taken;
    written += made;
    if (flush && made == 0) break;  // all is out; what is left stays 0
  }
  converted.erase(converted.begin(), converted.begin() + static_cast<std::ptrdiff_t>(first));
  return converted;
}

}  // namespace

void check_rates(int from, int to) {
  if (to < kMinRate || to > kMaxRate) {
    throw UsageError(fmt::format("sample rate {} Hz (limit {}..{} Hz)", to, kMinRate, kMaxRate));
  }
  if (std::max(to, from) / std::min(to, from) > kMaxRatio) {
    throw UsageError(fmt::format("sample rates {} and {} Hz are too far apart (limit 1:{})", from,
                                 to, kMaxRatio));
  }
}

std::int64_t frames_at_rate(std::int64_t frames, int from, int to) {
  return (frames * to + from - 1) / from;
}

struct SoundResampler::State {
  State(soxr_t made, std::size_t count) : resampler(made), channels(count) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { soxr_delete(resampler); }

  soxr_t resampler;
  std::size_t channels;
  std::vector<float> buffer;
};

SoundResampler::SoundResampler(int from, int to, int channels) {
  check_rates(from, to);
  constexpr std::size_t kFrames = 4096;
  const auto count = static_cast<unsigned>(channels);
  state_ = std::make_unique<State>(make_soxr(from, to, count, 1).release(), count);
  state_->buffer.resize(kFrames * count);
}

SoundResampler::~SoundResampler() = default;

void SoundResampler::convert(std::span<const float> frames, std::vector<float>& converted) {
  const std::size_t channels = state_->channels;
  for (;;) {
    std::size_t taken = 0;
    std::size_t made = 0;
    // Without any frames it would take this for the end.
    if (frames.empty()) break;
    check(soxr_process(state_->resampler, frames.data(), frames.size() / channels, &taken,
                       state_->buffer.data(), state_->buffer.size() / channels, &made));
    frames = frames.subspan(taken * channels);
    converted.insert(converted.end(), state_->buffer.begin(),
                     state_->buffer.begin() + static_cast<std::ptrdiff_t>(made * channels));
  }
}

void SoundResampler::finish(std::vector<float>& converted) {
  for (std::size_t made = 1; made > 0;) {
    std::size_t taken = 0;
    check(soxr_process(state_->resampler, nullptr, 0, &taken, state_->buffer.data(),
                       state_->buffer.size() / state_->channels, &made));
    converted.insert(converted.end(), state_->buffer.begin(),
                     state_->buffer.begin() + static_cast<std::ptrdiff_t>(made * state_->channels));
  }
}

Response resample(const Response& response, int rate) {
  check_rates(response.rate, rate);
  if (rate == response.rate) return response;
  const Ratio ratio{response.rate, rate};
  const std::int64_t ringing = response.latency_frames + ratio.reach();
  const std::int64_t lead = lead_for(ratio, ringing);
  const auto before = static_cast<std::size_t>(lead - response.latency_frames);
  const auto after = static_cast<std::size_t>(ratio.reach());
  const std::size_t K = std::max(response.taps.left.size(), response.taps.right.size());
  // Of the zeros before, those are cropped again into which nothing rings.
  const std::int64_t cropped = lead * ratio.to / ratio.from - ratio.ceil(ringing);
  const std::int64_t length = ratio.ceil(static_cast<std::int64_t>(before + K + after)) - cropped;
  if (length > kMaxTaps) {
    throw UsageError(
        fmt::format("response has {} taps at {} Hz (limit {})", length, rate, kMaxTaps));
  }

  Response converted;
  converted.rate = rate;
  converted.latency_frames = static_cast<int>(ratio.ceil(ringing));
  // By the old taps: the new ones ring before a sharp onset.
  converted.direct_sound =
      response.direct_sound * static_cast<double>(ratio.to) / static_cast<double>(ratio.from);
  converted.description = response.description;
  for (const Side side : kSides) {
    const Signal& taps = response.taps[side];
    Signal padded(before + K + after);
    std::ranges::copy(taps, padded.begin() + static_cast<std::ptrdiff_t>(before));
    converted.taps[side] =
        convert(padded, ratio, static_cast<std::size_t>(cropped), static_cast<std::size_t>(length));
  }
  return converted;
}

std::string soxr_library_version() {
  const std::string name = soxr_version();  // libsoxr-0.1.3
  return name.substr(name.rfind('-') + 1);
}

}  // namespace gpuconv
