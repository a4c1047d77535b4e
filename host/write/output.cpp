#include "host/write/output.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "host/base/error.hpp"
#include "host/files/location.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/nonfinite.hpp"
#include "host/write/quantise.hpp"
#include "host/write/sndfile_writer.hpp"
#include "host/write/wav_writer.hpp"

namespace gpuconv {
namespace {

FileFormat resolve_output(const std::string& path, const OutputFormat& asked, int rate) {
  if (rate < kMinRate || rate > kMaxRate) {
    throw UsageError(fmt::format("{}: sample rate out of range ({} Hz, limit {}..{} Hz)", path,
                                 rate, kMinRate, kMaxRate));
  }
  return is_special_file(path) ? resolve_wav_format(path, asked) : resolve_format(path, asked);
}

bool is_wav(const FileFormat& format) {
  return format.container == Container::wav || format.container == Container::rf64;
}

std::unique_ptr<FrameWriter> make_writer(OutputFile& file, const FileFormat& format, int rate,
                                         std::optional<std::int64_t> frames) {
  if (is_wav(format)) {
    return std::make_unique<WavWriter>(file, format, rate, frames);
  }
  return std::make_unique<SndfileWriter>(file, format, rate, frames);
}

/// Frames of a call to the system. Calls for 1,024 frames each take a third longer for all, and
/// twice as long on a disk, whose memory comes in larger pieces then; much more leaves the caches.
constexpr std::size_t kGatheredFrames = 16384;

}  // namespace

WetWriter::WetWriter(const std::string& path, const OutputFormat& format, int rate,
                     const OutputOptions& options)
    : format_(resolve_output(path, format, rate)),
      file_(path, options),
      writer_(make_writer(file_, format_, rate, options.frames)) {
  const int bytes = frame_bytes() + options.frame_bytes_beside;
  if (options.frames) file_.require_room(*options.frames * std::int64_t{bytes});
}

// What is compressed may take next to nothing (silence) or nearly as much as PCM: not asked for.
int WetWriter::frame_bytes() const {
  const bool compresses =
      format_.container == Container::flac || format_.container == Container::ogg;
  return compresses ? 0 : format_.frame_bytes();
}

void WetWriter::write(Stereo<std::span<const float>> wet) {
  if (wet.left.size() != wet.right.size()) {
    throw std::invalid_argument(
        fmt::format("left has {} frames, right has {}", wet.left.size(), wet.right.size()));
  }
  measure(wet, report_.levels);
  check_finite(wet);
  if (format_.encoding != Encoding::pcm) {
    gather(wet.left, wet.right, frames_);
  } else {
    for (const Side side : kSides) {
      if (format_.channels == 1 && side == Side::right) continue;
      ears_[side].resize(wet[side].size());
      report_.clipped[side] += format_.is_dithered
                                   ? quantise(wet[side], format_.bits, ears_[side], dither_[side])
                                   : quantise(wet[side], format_.bits, ears_[side]);
    }
    gather<std::int32_t>(ears_.left, ears_.right, pcm_);
  }
  report_.frames += static_cast<std::int64_t>(wet.left.size());
  // While the next frames are computed, the disk takes these.
  constexpr std::int64_t kSyncBytes = std::int64_t{16} << 20;
  if (file_.bytes() - sync_begun_ < kSyncBytes) return;
  file_.begin_sync();
  sync_begun_ = file_.bytes();
}

/// Of one channel, `left` alone.
template <typename Sample>
void WetWriter::gather(std::span<const Sample> left, std::span<const Sample> right,
                       Gathered<Sample>& gathered) {
  const std::size_t first = gathered.count;
  const auto channels = static_cast<std::size_t>(format_.channels);
  gathered.count += channels * left.size();
  if (gathered.samples.size() < gathered.count) gathered.samples.resize(gathered.count);
  Sample* const samples = gathered.samples.data() + first;
  if (channels == 1) {
    std::ranges::copy(left, samples);
  } else {
    for (std::size_t n = 0; n < left.size(); ++n) {
      samples[2 * n] = left[n];
      samples[2 * n + 1] = right[n];
    }
  }
  // The bytes of a compressed file may depend on how many frames come at a time.
  if (!is_wav(format_) || gathered.count >= channels * kGatheredFrames) pass_on(gathered);
}

template <typename Sample>
void WetWriter::pass_on(Gathered<Sample>& gathered) {
  if (gathered.count == 0) return;
  writer_->write(std::span<const Sample>(gathered.samples).first(gathered.count));
  gathered.count = 0;
}

WriteReport WetWriter::finish() {
  OutputFile file = complete();
  file.sync();
  file.publish();
  return report_;
}

OutputFile WetWriter::complete() {
  pass_on(frames_);
  pass_on(pcm_);
  writer_->finish();
  if (!file_.in_place()) check_written();
  const bool rf64 = format_.container == Container::wav && is_rf64(format_, report_.frames);
  report_.container = rf64 ? "RF64" : name(format_.container);
  report_.format = format_;
  report_.bytes = file_.bytes();
  return std::move(file_);
}

void WetWriter::check_finite(Stereo<std::span<const float>> wet) const {
  for (const Side side : kSides) {
    if (std::isfinite(report_.levels[side].peak)) continue;
    const std::size_t n = find_nonfinite(wet[side]);
    throw FileError(file_.path(), fmt::format("overflow: frame {} of the {} ear is {} (limit of "
                                              "float 3.4e38)",
                                              report_.frames + static_cast<std::int64_t>(n),
                                              name(side), nonfinite_name(wet[side][n])));
  }
}

void WetWriter::check_written() const {
  const AudioReader written(file_.written_path(), Truncated::accept);
  if (written.shortfall().empty() && written.format().frames == report_.frames) return;
  throw FileError(file_.path(), fmt::format("reads back as {} frames where {} were written",
                                            written.format().frames, report_.frames));
}

}  // namespace gpuconv
