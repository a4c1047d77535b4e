#include "host/read/source.hpp"

#include <fmt/core.h>

#include <algorithm>

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

std::size_t checked_channel(const std::string& path, int channels, std::optional<int> channel) {
  if (!channel && channels > 1) {
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
  return static_cast<std::size_t>(number - 1);
}

}  // namespace

SourceReader::SourceReader(const std::string& path, const SourceOptions& options)
    : path_(input_name(path)),
      nonfinite_(options.nonfinite),
      reader_(checked_kind(path, options), options.truncated, options.formats, options.raw),
      channel_(checked_channel(path_, format().channels, options.channel)) {}

std::size_t SourceReader::read(std::span<float> mono) {
  const auto channels = static_cast<std::size_t>(format().channels);
  frames_.resize(std::max<std::size_t>(1, kBufferSamples / channels) * channels);
  std::size_t done = 0;
  while (done < mono.size()) {
    const std::size_t wanted = std::min(mono.size() - done, frames_.size() / channels);
    const std::size_t got = reader_.read(std::span(frames_).first(wanted * channels));
    const auto portion = mono.subspan(done, got);
    for (std::size_t n = 0; n < got; ++n) portion[n] = frames_[n * channels + channel_];
    replaced_ += mend_nonfinite(path_, portion, 1, samples_read_, nonfinite_);
    samples_read_ += static_cast<std::int64_t>(got);
    done += got;
    if (got < wanted) break;
  }
  if (samples_read_ == 0 && !mono.empty()) throw FileError(path_, "holds no samples (0 frames)");
  return done;
}

}  // namespace gpuconv
