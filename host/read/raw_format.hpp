// raw_format.hpp - samples without a header
#pragma once

namespace gpuconv {

/// u8 is unsigned with silence at 128, all others are signed.
enum class RawEncoding { u8, s8, s16, s24, s32, f32, f64, ulaw, alaw };

struct RawFormat {
  int rate = 0;  ///< Hz
  int channels = 1;
  RawEncoding encoding = RawEncoding::s16;
  bool is_big_endian = false;
};

/// Bytes of a sample.
int bytes_of(RawEncoding encoding);

/// libsndfile's number for the encoding and byte order.
int sndfile_code(const RawFormat& format);

}  // namespace gpuconv
