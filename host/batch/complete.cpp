#include "host/batch/complete.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "host/audio/audio_file.hpp"
#include "host/error.hpp"

namespace gpuconv {
namespace {

std::int64_t frames_of(AudioReader& reader) {
  constexpr std::size_t kBufferFrames = 16'384;
  std::vector<float> frames(kBufferFrames * static_cast<std::size_t>(reader.format().channels));
  std::int64_t count = 0;
  while (const std::size_t got = reader.read(frames)) count += static_cast<std::int64_t>(got);
  return count;
}

bool is_written_as(const std::string& encoding, const FileFormat& format) {
  if (format.container == Container::ogg) return encoding == "Vorbis";
  return encoding ==
         fmt::format("{}-bit {}", format.bits, format.encoding == Encoding::pcm ? "PCM" : "float");
}

}  // namespace

bool is_complete(const Job& job) {
  if (!std::filesystem::is_regular_file(job.output)) return false;
  Job look = job;
  look.dry_run = true;
  look.no_clobber = false;
  const JobReport wanted = run_job(look);
  if (!wanted.wet_frames) return false;
  try {
    AudioReader reader(job.output);
    const AudioFormat& there = reader.format();
    return there.channels == 2 && there.rate == wanted.source.rate &&
           is_written_as(there.encoding, wanted.format) && frames_of(reader) == *wanted.wet_frames;
  } catch (const FileError&) {
    return false;
  }
}

}  // namespace gpuconv
