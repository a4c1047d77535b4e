#include "host/read/source.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "host/base/error.hpp"
#include "host/read/foreign.hpp"
#include "host/read/nonfinite.hpp"

namespace gpuconv {
namespace {

/// Samples of all channels held at a time: enough to make calls cheap, whatever the channels.
constexpr std::size_t kBufferSamples = 65'536;

/// `path`, unless it is a response that changed places with the recording.
const std::string& checked_kind(const std::string& path, const SourceOptions& options) {
  if (!options.raw && is_sofa(path)) {
    throw FileError(path, "is a SOFA file, a response, which comes second");
  }
  return path;
}

int checked_channel(const std::string& path, int channels, const SourceOptions& options) {
  std::optional<int> channel = options.channel;
  if (options.channel_is_of_several && channels == 1) channel.reset();
  if (!channel && channels > 1) {
    if (options.is_of_scene) {
      throw FileError(path, fmt::format("has {} channels where one is needed; the key 'channel' of "
                                        "the voice takes one of them",
                                        channels));
    }
    // Two may mean that the files changed places.
    throw FileError(path,
                    fmt::format("has {} channels where one is needed{}; --channel N takes one "
                                "of them",
                                channels, channels == 2 ? " (the response comes second)" : ""));
  }
  const int number = channel.value_or(1);
  if (number < 1 || number > channels) {
    throw FileError(path, fmt::format("has no channel {} (limit 1..{})", number, channels));
  }
  return number;
}

/// The nearest whole number of samples.
std::int64_t samples_in(double seconds, int rate) {
  return static_cast<std::int64_t>(std::llround(seconds * rate));
}

}  // namespace

ChooseChannels one_channel(const std::string& path, const SourceOptions& options) {
  return [&path, &options](const AudioFormat& format) {
    return std::vector{checked_channel(input_name(path), format.channels, options)};
  };
}

SourceReader::SourceReader(const std::string& path, const SourceOptions& options,
                           const ChooseChannels& choose)
    : path_(input_name(path)),
      nonfinite_(options.nonfinite),
      reader_(options.is_command ? path : checked_kind(path, options), options.truncated,
              options.formats, options.raw,
              AudioPlace{options.archive_offset, options.archive_bytes, options.is_command}),
      format_(reader_.format()),
      offset_(options.offset),
      duration_(options.duration) {
  for (const int channel : choose(format_)) {
    channels_.push_back(static_cast<std::size_t>(channel - 1));
  }
  if (offset_ || duration_) begin_part();
}

void SourceReader::begin_part() {
  const std::int64_t begin = samples_in(offset_.value_or(0), format_.rate);
  if (duration_) {
    left_ = samples_in(*duration_, format_.rate);
    if (left_ == 0) {
      throw FileError(path_, fmt::format("duration {} s is less than a sample at {} Hz", *duration_,
                                         format_.rate));
    }
  }
  const std::int64_t tolerance = samples_in(kEndTolerance, format_.rate);
  if (format_.frames > 0) {
    const std::int64_t present = format_.frames - begin;
    if (present <= 0 || (duration_ && left_ - present > tolerance)) refuse_part(format_.frames);
    left_ = format_.frames = std::min(left_, present);
  }
  position_ = reader_.skip(begin);
  if (position_ < begin) refuse_part(position_);
}

/// The recording has only so many frames.
void SourceReader::refuse_part(std::int64_t frames) const {
  const double end = static_cast<double>(frames) / format_.rate;
  const double offset = offset_.value_or(0);
  if (samples_in(offset, format_.rate) >= frames) {
    throw FileError(path_, fmt::format("offset {} s is not before its end, {} s", offset, end));
  }
  throw FileError(path_, fmt::format("offset {} s and duration {} s go beyond its end, {} s",
                                     offset, duration_.value_or(0), end));
}

std::size_t SourceReader::read(std::span<const std::span<float>> sides) {
  std::size_t length = sides.front().size();
  if (static_cast<std::int64_t>(length) > left_) length = static_cast<std::size_t>(left_);
  const auto channels = static_cast<std::size_t>(format_.channels);
  const std::size_t most = std::max<std::size_t>(1, kBufferSamples / channels);
  const bool is_alone = channels == 1 && sides.size() == 1;  // its samples are the frames
  if (!is_alone) frames_.resize(most * channels);
  std::size_t done = 0;
  while (done < length) {
    const std::size_t wanted = std::min(length - done, most);
    const std::size_t got = reader_.read(is_alone ? sides.front().subspan(done, wanted)
                                                  : std::span(frames_).first(wanted * channels));
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const auto portion = sides[i].subspan(done, got);
      const std::size_t channel = channels_[i];
      for (std::size_t n = 0; n < got && !is_alone; ++n) {
        portion[n] = frames_[n * channels + channel];
      }
      replaced_ += mend_nonfinite(path_, portion, 1, position_, nonfinite_);
    }
    position_ += static_cast<std::int64_t>(got);
    done += got;
    if (got < wanted) break;
  }
  if (left_ != kAll) left_ -= static_cast<std::int64_t>(done);
  if (done < length) check_part_end();
  return done;
}

/// The recording has ended, and with it what it has of the part.
void SourceReader::check_part_end() {
  if (position_ == 0) throw FileError(path_, "holds no samples (0 frames)");
  const bool is_short = duration_ && left_ > samples_in(kEndTolerance, format_.rate);
  const bool is_empty = offset_ && position_ <= samples_in(*offset_, format_.rate);
  if ((is_short && reader_.shortfall().empty()) || is_empty) refuse_part(position_);
  if (left_ != kAll) left_ = 0;
}

}  // namespace gpuconv
