// output.hpp - the wet frames become a file
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"
#include "host/base/levels.hpp"
#include "host/base/noise.hpp"
#include "host/files/output_file.hpp"
#include "host/write/frame_writer.hpp"
#include "host/write/output_format.hpp"
#include "host/write/write_report.hpp"

namespace gpuconv {

class WetWriter {
 public:
  /// Everything that can be refused is refused here, before the work.
  WetWriter(const std::string& path, const OutputFormat& format, int rate,
            const OutputOptions& options = {});

  /// Bytes of a frame in the file; 0 where that depends on the samples.
  int frame_bytes() const;

  /// So far: frames and levels.
  const WriteReport& report() const { return report_; }

  /// Takes the next frames; `wet.left` and `wet.right` have one length, and are the same where the
  /// file has one channel: see pick(). A sample that is not a
  /// finite number is a FileError naming the frame: the result has overflowed. The last few
  /// thousand frames may wait for the next ones.
  void write(Stereo<std::span<const float>> wet);

  /// Completes the file, reads its header back and puts it in its place. Without finish(), or if
  /// anything fails, OUTPUT stays as it was.
  WriteReport finish();

  /// Completes the file, which the caller brings to the disk and puts in its place: several at a
  /// time take less time. Afterwards report() is final, and nothing else may be called.
  OutputFile complete();

 private:
  /// Interleaved samples on their way to the container.
  template <typename Sample>
  struct Gathered {
    std::vector<Sample> samples;
    std::size_t count = 0;
  };
  template <typename Sample>
  void gather(std::span<const Sample> left, std::span<const Sample> right,
              Gathered<Sample>& gathered);
  template <typename Sample>
  void pass_on(Gathered<Sample>& gathered);
  void check_finite(Stereo<std::span<const float>> wet) const;
  void check_written() const;

  FileFormat format_;
  OutputFile file_;
  std::unique_ptr<FrameWriter> writer_;
  WriteReport report_;
  Gathered<float> frames_;
  Stereo<std::vector<std::int32_t>> ears_;
  Stereo<Random> dither_{Random(0), Random(1)};  // as ever: the same bytes from run to run
  Gathered<std::int32_t> pcm_;
  std::int64_t sync_begun_ = 0;  // bytes
};

}  // namespace gpuconv
