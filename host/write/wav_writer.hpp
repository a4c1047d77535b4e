// wav_writer.hpp - WAV, and RF64 where 4 GiB are not enough
//
//   RIFF  size  WAVE | JUNK 28 | fmt | fact (float) | data         up to 4 GiB
//   RF64  -1    WAVE | ds64 28 | fmt | fact (float) | data         above: 64-bit sizes (EBU 3306)
//
// An own writer, because libsndfile 1.2.0 wraps its sizes at 4 GiB without an error and dates float
// files, so that no two are alike. Here the bytes depend on the samples alone. Data of an odd
// number of bytes (one channel of 24 bits) is padded, as RIFF wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/files/output_file.hpp"
#include "host/write/frame_writer.hpp"
#include "host/write/output_format.hpp"

namespace gpuconv {

/// The bytes before the first sample; of one length for all `frames`. Without
/// `frames` the sizes say "streamed, up to the end", for a pipe.
std::vector<std::byte> wav_header(const FileFormat& format, int rate,
                                  std::optional<std::int64_t> frames);

/// Whether `frames` frames need (or the format asks for) 64-bit sizes.
bool is_rf64(const FileFormat& format, std::int64_t frames);

class WavWriter : public FrameWriter {
 public:
  /// `frames` that will come, if that is known: a pipe learns the sizes from its first bytes, and
  /// finish() throws if they were wrong.
  WavWriter(OutputFile& file, const FileFormat& format, int rate,
            std::optional<std::int64_t> frames = std::nullopt);

  void write(std::span<const float> frames) override;
  void write(std::span<const std::int32_t> frames) override;
  void finish() override;

 private:
  OutputFile& file_;
  FileFormat format_;
  int rate_;
  std::optional<std::int64_t> announced_;  // frames, in a header that cannot be corrected
  std::int64_t samples_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace gpuconv
