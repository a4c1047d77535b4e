// sndfile_writer.hpp - the containers that libsndfile writes: W64, CAF, AIFF, AU, FLAC, Ogg
//
// libsndfile closes a file without an error when the disk is full. So its bytes go through
// OutputFile, which checks every one, and samples reach it as numbers that it only has to pack.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "host/files/output_file.hpp"
#include "host/write/frame_writer.hpp"
#include "host/write/output_format.hpp"

struct sf_private_tag;  // libsndfile's SNDFILE

namespace gpuconv {

class SndfileWriter : public FrameWriter {
 public:
  /// `frames` that will come, if that is known: more than the container can hold are refused.
  SndfileWriter(OutputFile& file, const FileFormat& format, int rate,
                std::optional<std::int64_t> frames = std::nullopt);

  void write(std::span<const float> frames) override;
  void write(std::span<const std::int32_t> frames) override;
  void finish() override;

  /// The file as libsndfile's callbacks see it: no exception may cross them.
  struct Port {
    OutputFile& file;
    std::exception_ptr failure;
  };

 private:
  struct Close {
    void operator()(sf_private_tag* sndfile) const;
  };

  void check_size(std::int64_t frames) const;
  void check(std::int64_t written, std::size_t wanted);

  Port port_;
  FileFormat format_;
  std::unique_ptr<sf_private_tag, Close> sndfile_;
  std::vector<std::int32_t> scaled_;
};

}  // namespace gpuconv
