#include "host/audio/info.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "host/audio/audio_file.hpp"
#include "host/audio/levels.hpp"
#include "host/audio/nonfinite.hpp"
#include "host/audio/sofa.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kBufferSamples = 65'536;

std::vector<std::string> describe_audio(const std::string& path, Formats formats) {
  AudioReader reader(path, Truncated::accept, formats);
  const AudioFormat& format = reader.format();
  const auto channels = static_cast<std::size_t>(format.channels);
  std::vector<float> samples(std::max<std::size_t>(1, kBufferSamples / channels) * channels);
  std::vector<Level> levels(channels);
  std::int64_t frames = 0;
  std::int64_t first_nonfinite = -1;
  while (const std::size_t got = reader.read(samples)) {
    const auto portion = std::span(samples).first(got * channels);
    const std::size_t first = find_nonfinite(portion);
    if (first < portion.size()) {
      if (first_nonfinite < 0)
        first_nonfinite = frames + static_cast<std::int64_t>(first / channels);
      mend_nonfinite(path, portion, format.channels, frames, NonFinite::zero);
    }
    for (std::size_t i = 0; i < portion.size(); ++i) {
      measure(portion.subspan(i, 1), levels[i % channels]);
    }
    frames += static_cast<std::int64_t>(got);
  }

  std::vector<std::string> lines{
      fmt::format("container  {}", format.container), fmt::format("encoding   {}", format.encoding),
      fmt::format("rate       {} Hz", format.rate), fmt::format("channels   {}", format.channels),
      fmt::format("frames     {} ({:.3f} s)", frames, static_cast<double>(frames) / format.rate)};
  if (!reader.shortfall().empty()) lines.push_back("problem    " + reader.shortfall());
  if (!reader.remark().empty()) lines.push_back("remark     " + reader.remark());
  for (std::size_t c = 0; c < channels; ++c) {
    lines.push_back(fmt::format("peak {:<5} {} dBFS, {} samples over full scale", c + 1,
                                tenths(dbfs(levels[c].peak)), levels[c].over));
  }
  lines.push_back(first_nonfinite < 0
                      ? "non-finite none"
                      : fmt::format("non-finite first at frame {}", first_nonfinite));
  return lines;
}

/// The smallest arc that holds all azimuths. Where the rest of the circle is not clearly wider than
/// the gap between the largest and the smallest number, these are its ends: so of a full circle.
std::string arc_of(const std::vector<Direction>& directions) {
  constexpr double kClearly = 10;  // degrees
  const auto [right, left] = std::ranges::minmax(directions, {}, &Direction::azimuth);
  std::string arc = fmt::format("{:.1f} to {:.1f} degrees", right.azimuth, left.azimuth);
  std::vector<double> around;
  for (const Direction& direction : directions) {
    around.push_back(direction.azimuth - 360 * std::floor(direction.azimuth / 360));
  }
  std::ranges::sort(around);
  double widest = 360 - (left.azimuth - right.azimuth) + kClearly;
  for (std::size_t i = 0; i < around.size(); ++i) {
    const bool is_last = i + 1 == around.size();
    const double next = is_last ? around.front() : around[i + 1];
    const double gap = next - around[i] + (is_last ? 360 : 0);
    if (gap <= widest) continue;
    widest = gap;
    arc = fmt::format("{:.1f} to {:.1f} degrees{}", next, around[i],
                      next > around[i] ? " through 0" : "");
  }
  return arc;
}

std::vector<std::string> describe_sofa(const std::string& path) {
  const SofaFile file = read_sofa(path);
  check_sofa(path, file);
  const auto [low, high] = std::ranges::minmax(file.directions, {}, &Direction::elevation);
  std::vector<std::string> lines{
      "container  SOFA",
      fmt::format("convention {}", file.conventions),
      fmt::format("room       {}", file.room),
      fmt::format("rate       {:.0f} Hz", file.rate),
      fmt::format("measured   {} directions, {} ears (M {}, R {})", file.M, file.R, file.M, file.R),
      fmt::format("taps       {} ({:.3f} s) (N)", file.N, file.N / file.rate),
      fmt::format("azimuth    {}, counter-clockwise", arc_of(file.directions)),
      fmt::format("elevation  {:.1f} to {:.1f} degrees", low.elevation, high.elevation)};
  if (!file.database.empty()) lines.push_back(fmt::format("database   {}", file.database));
  if (!file.title.empty()) lines.push_back(fmt::format("title      {}", file.title));
  return lines;
}

}  // namespace

std::vector<std::string> describe(const std::string& path, Formats formats) {
  return is_sofa(path) ? describe_sofa(path) : describe_audio(path, formats);
}

}  // namespace gpuconv
