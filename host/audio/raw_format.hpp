// raw_format.hpp - samples without a header
#pragma once

namespace gpuconv {

/// Little-endian; u8 is unsigned with silence at 128.
enum class RawEncoding { u8, s16, s24, s32, f32, f64, ulaw, alaw };

struct RawFormat {
  int rate = 0;  ///< Hz
  int channels = 1;
  RawEncoding encoding = RawEncoding::s16;
};

/// Of a sample.
int bytes_of(RawEncoding encoding);

/// libsndfile's number for it.
int sndfile_code(RawEncoding encoding);

}  // namespace gpuconv
