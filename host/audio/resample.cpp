#include "host/audio/resample.hpp"

#include <fmt/core.h>
#include <soxr.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "host/audio/audio_file.hpp"
#include "host/error.hpp"

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
  std::int64_t round(std::int64_t samples) const { return (2 * samples * to + from) / (2 * from); }
  /// Distance of samples * to / from to a whole number, in units of 1 / from.
  std::int64_t miss(std::int64_t samples) const {
    const std::int64_t rest = samples * to % from;
    return std::min(rest, from - rest);
  }
};

/// At least `least` samples of the old rate that are, as nearly as can be, a whole number of new
/// ones; the fewest of equally good.
std::int64_t lead_for(const Ratio& ratio, std::int64_t least) {
  std::int64_t best = least;
  for (std::int64_t lead = least; lead < least + kMaxLeadSearch && ratio.miss(best) > 0; ++lead) {
    if (ratio.miss(lead) < ratio.miss(best)) best = lead;
  }
  return best;
}

Signal convert(const Signal& taps, const Ratio& ratio, std::size_t length) {
  soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  io.scale = static_cast<double>(ratio.from) / static_cast<double>(ratio.to);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  soxr_error_t error = nullptr;
  const std::unique_ptr<soxr, Delete> resampler(soxr_create(static_cast<double>(ratio.from),
                                                            static_cast<double>(ratio.to), 1,
                                                            &error, &io, &quality, nullptr));
  check(error);

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
  return converted;
}

}  // namespace

Response resample(const Response& response, int rate) {
  if (rate < kMinRate || rate > kMaxRate) {
    throw UsageError(fmt::format("sample rate {} Hz (limit {}..{} Hz)", rate, kMinRate, kMaxRate));
  }
  if (rate == response.rate) return response;

  if (std::max(rate, response.rate) / std::min(rate, response.rate) > kMaxRatio) {
    throw UsageError(fmt::format("sample rates {} and {} Hz are too far apart (limit 1:{})",
                                 response.rate, rate, kMaxRatio));
  }

  const Ratio ratio{response.rate, rate};
  const std::int64_t lead = lead_for(ratio, response.lead + ratio.reach());
  const auto before = static_cast<std::size_t>(lead - response.lead);
  const auto after = static_cast<std::size_t>(ratio.reach());
  const std::size_t K = std::max(response.taps.left.size(), response.taps.right.size());
  const std::int64_t length = ratio.ceil(static_cast<std::int64_t>(before + K + after));
  if (length > kMaxTaps) {
    throw UsageError(
        fmt::format("response has {} taps at {} Hz (limit {})", length, rate, kMaxTaps));
  }

  Response converted;
  converted.rate = rate;
  converted.lead = static_cast<int>(ratio.round(lead));
  converted.description = response.description;
  for (const Side side : kSides) {
    const Signal& taps = response.taps[side];
    Signal padded(before + K + after);
    std::ranges::copy(taps, padded.begin() + static_cast<std::ptrdiff_t>(before));
    converted.taps[side] = convert(padded, ratio, static_cast<std::size_t>(length));
  }
  return converted;
}

}  // namespace gpuconv
