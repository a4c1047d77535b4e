#include "host/room/response.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "host/base/error.hpp"
#include "host/files/location.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/foreign.hpp"
#include "host/read/nonfinite.hpp"
#include "host/room/delay.hpp"
#include "host/room/onset.hpp"
#include "host/room/response_field.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kBufferFrames = 16'384;

bool are_zeros(const Signal& taps) {
  return std::ranges::all_of(taps, [](float tap) { return tap == 0; });
}

ResponseChannels read_channels(AudioReader& reader, const std::string& path,
                               const ResponseOptions& options) {
  const AudioFormat& format = reader.format();
  const auto check_length = [&](std::int64_t frames) {
    if (frames <= kMaxTaps) return;
    throw FileError(path, fmt::format("is too long for a response ({} taps or more, limit {})",
                                      frames, kMaxTaps));
  };
  check_length(format.frames);
  const auto channels = static_cast<std::size_t>(format.channels);
  ResponseChannels response{path, std::vector<Signal>(channels), format.rate, "", {}};
  std::vector<float> frames(channels * std::max<std::size_t>(1, 2 * kBufferFrames / channels));
  std::int64_t count = 0;
  std::int64_t replaced = 0;
  while (const std::size_t got = reader.read(frames)) {
    const auto portion = std::span(frames).first(channels * got);
    replaced += mend_nonfinite(path, portion, format.channels, count, options.nonfinite);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t n = 0; n < got; ++n) {
        response.channels[c].push_back(portion[channels * n + c]);
      }
    }
    count += static_cast<std::int64_t>(got);
    check_length(count);
  }
  if (count == 0) throw FileError(path, "holds no taps (0 frames)");
  response.description =
      fmt::format("{}, {}, {} Hz, {} taps ({:.3f} s)", format.container, format.encoding,
                  format.rate, count, static_cast<double>(count) / format.rate);
  response.repairs = {replaced, reader.shortfall(), reader.remark()};
  return response;
}

Response load_audio(const std::string& path, const ResponseOptions& options) {
  AudioReader reader(path, options.truncated, options.formats);
  const AudioFormat& format = reader.format();
  const bool is_mono = format.channels == 1;
  if (is_mono && !options.both_ears) {
    throw FileError(path,
                    "has 1 channel where a response needs 2, left and right; --both-ears gives "
                    "both ears this one");
  }
  if (!is_mono && format.channels != 2) {
    throw FileError(path, fmt::format("has {} channels where a response needs 2, left and right",
                                      format.channels));
  }
  ResponseChannels channels = read_channels(reader, path, options);
  Response response;
  response.rate = channels.rate;
  response.taps.right = is_mono ? channels.channels.front() : std::move(channels.channels.back());
  response.taps.left = std::move(channels.channels.front());
  response.direct_sound = direct_sound(response.taps);
  response.description = channels.description + (is_mono ? ", one channel for both ears" : "");
  response.repairs = std::move(channels.repairs);
  return response;
}

/// Throws UsageError if a direction is asked of an audio file.
void check_no_direction(const std::string& path, const ResponseOptions& options) {
  if (options.sofa == SofaOptions{}) return;
  throw UsageError(path + ": --azimuth and the like choose a measurement of a SOFA file, and " +
                   (is_special_file(path) ? "such a file cannot come through a pipe; give its path"
                                          : "this is not one"));
}

Response checked(const std::string& path, Response response) {
  if (is_silent(response)) {
    throw FileError(path, fmt::format("silent response (all {} taps of both ears are 0)",
                                      response.taps.left.size()));
  }
  return response;
}

}  // namespace

bool is_silent(const Response& response) {
  return are_zeros(response.taps.left) && are_zeros(response.taps.right);
}

Response load_response(const std::string& path, const ResponseOptions& options) {
  if (is_sofa(path)) {
    SofaSet set(path);
    return response_of(set, options);
  }
  check_no_direction(path, options);
  return checked(path, load_audio(path, options));
}

ResponseChannels load_channels(const std::string& path, const ResponseOptions& options) {
  check_no_direction(path, options);
  AudioReader reader(path, options.truncated, options.formats);
  ResponseChannels response = read_channels(reader, path, options);
  if (std::ranges::all_of(response.channels, are_zeros)) {
    throw FileError(path, fmt::format("silent response (all {} taps of its {} channels are 0)",
                                      response.channels.front().size(), response.channels.size()));
  }
  return response;
}

Response response_of(const ResponseChannels& channels, int left, int right) {
  Response response;
  response.rate = channels.rate;
  response.taps = {channels.channels.at(static_cast<std::size_t>(left - 1)),
                   channels.channels.at(static_cast<std::size_t>(right - 1))};
  response.direct_sound = direct_sound(response.taps);
  response.description = channels.description;
  response.repairs = channels.repairs;
  return response;
}

Response response_of(SofaSet& set, const ResponseOptions& options) {
  if (options.sofa.interpolation == Interpolation::neighbours && !options.sofa.measurement) {
    return interpolated_response(set, options);
  }
  SofaMeasurement found = set.measurement(options.sofa);
  Response response;
  response.rate = found.rate;
  response.direction = found.direction;
  const Stereo<double>& delays = found.delays;
  response.latency_frames = is_whole(delays.left) && is_whole(delays.right) ? 0 : kDelayReach;
  for (const Side side : kSides) {
    response.repairs.replaced +=
        mend_nonfinite(set.path(), found.taps[side], 1, 0, options.nonfinite);
  }
  // Before a delay that is not whole makes the taps ring.
  response.direct_sound = direct_sound(found.taps, delays);
  for (const Side side : kSides) {
    response.taps[side] = delayed(found.taps[side], delays[side], response.latency_frames);
  }
  const std::size_t K = std::max(response.taps.left.size(), response.taps.right.size());
  for (const Side side : kSides) response.taps[side].resize(K);
  response.description = std::move(found.description);
  response.warnings = std::move(found.warnings);
  response.far = std::move(found.far);
  return checked(set.path(), std::move(response));
}

}  // namespace gpuconv
