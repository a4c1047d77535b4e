// recordings.hpp - recordings written by libsndfile, and read back by AudioReader
#pragma once

#include <gtest/gtest.h>
#include <sndfile.h>

#include <string>
#include <utility>
#include <vector>

#include "host/base/signal.hpp"
#include "host/read/audio_file.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"

namespace gpuconv::test {

/// Steps of 1/1024, exact in 16 bits.
inline Signal sawtooth(std::size_t count) {
  Signal samples(count);
  for (std::size_t n = 0; n < count; ++n) samples[n] = static_cast<float>(n % 331) / 1024;
  return samples;
}

/// Bytes of a file that libsndfile writes; `format` is SF_FORMAT_... Empty if libsndfile was built
/// without it.
inline std::string encoded(int format, const Signal& samples, int channels = 1, int rate = 16'000) {
  const Folder folder;
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  if (sf_format_check(&info) == 0) return "";
  SNDFILE* const file = sf_open(folder.file("encoded").c_str(), SFM_WRITE, &info);
  if (file == nullptr) return "";
  double level = 0;  // MP3 in its best quality; lossless files take longer to write
  if ((format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG) {
    sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
  }
  sf_writef_float(file, samples.data(), std::ssize(samples) / channels);
  sf_close(file);
  return read_bytes(folder.file("encoded"));
}

/// What AudioReader gives of a file.
struct Recording {
  AudioFormat format;
  std::vector<float> samples;
  std::string shortfall, remark;
};

inline Recording read_recording(const std::string& path, Truncated truncated = Truncated::error) {
  AudioReader reader(path, truncated);
  Recording recording{reader.format(), {}, "", reader.remark()};
  const auto channels = static_cast<std::size_t>(reader.format().channels);
  std::vector<float> block(1000 * channels);
  while (const std::size_t frames = reader.read(block)) {
    recording.samples.insert(recording.samples.end(), block.begin(),
                             block.begin() + static_cast<std::ptrdiff_t>(frames * channels));
  }
  recording.shortfall = reader.shortfall();
  return recording;
}

/// The same bytes as a file and, if the parameter is true, through a pipe.
class FileOrPipe : public ::testing::TestWithParam<bool> {
 protected:
  explicit FileOrPipe(std::string name) : name_(std::move(name)) {}

  /// action(path) of a file or a pipe with these bytes.
  template <typename Action>
  auto with(const std::string& bytes, const Action& action) const {
    if (GetParam()) return action(FilledPipe(bytes).path());
    write_bytes(folder_.file(name_), bytes);
    return action(folder_.file(name_));
  }
  Recording read(const std::string& bytes, Truncated truncated = Truncated::error) const {
    return with(bytes, [&](const std::string& path) { return read_recording(path, truncated); });
  }
  std::string refusal(const std::string& bytes, Truncated truncated = Truncated::error) const {
    return message_of<FileError>([&] { read(bytes, truncated); });
  }

 private:
  const std::string name_;
  const Folder folder_;
};

}  // namespace gpuconv::test
