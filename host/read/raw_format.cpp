#include "host/read/raw_format.hpp"

#include <sndfile.h>

#include <stdexcept>

namespace gpuconv {

int bytes_of(RawEncoding encoding) {
  switch (encoding) {
    case RawEncoding::u8:
    case RawEncoding::s8:
    case RawEncoding::ulaw:
    case RawEncoding::alaw:
      return 1;
    case RawEncoding::s16:
      return 2;
    case RawEncoding::s24:
      return 3;
    case RawEncoding::s32:
    case RawEncoding::f32:
      return 4;
    case RawEncoding::f64:
      return 8;
  }
  throw std::logic_error("no such encoding");
}

int sndfile_code(const RawFormat& format) {
  const int raw = SF_FORMAT_RAW | (format.is_big_endian ? SF_ENDIAN_BIG : SF_ENDIAN_LITTLE);
  switch (format.encoding) {
    case RawEncoding::u8:
      return raw | SF_FORMAT_PCM_U8;
    case RawEncoding::s8:
      return raw | SF_FORMAT_PCM_S8;
    case RawEncoding::s16:
      return raw | SF_FORMAT_PCM_16;
    case RawEncoding::s24:
      return raw | SF_FORMAT_PCM_24;
    case RawEncoding::s32:
      return raw | SF_FORMAT_PCM_32;
    case RawEncoding::f32:
      return raw | SF_FORMAT_FLOAT;
    case RawEncoding::f64:
      return raw | SF_FORMAT_DOUBLE;
    case RawEncoding::ulaw:
      return raw | SF_FORMAT_ULAW;
    case RawEncoding::alaw:
      return raw | SF_FORMAT_ALAW;
  }
  throw std::logic_error("no such encoding");
}

}  // namespace gpuconv
