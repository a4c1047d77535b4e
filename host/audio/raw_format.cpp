#include "host/audio/raw_format.hpp"

#include <sndfile.h>

#include <stdexcept>

namespace gpuconv {

int bytes_of(RawEncoding encoding) {
  switch (encoding) {
    case RawEncoding::u8:
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

int sndfile_code(RawEncoding encoding) {
  constexpr int kRaw = SF_FORMAT_RAW | SF_ENDIAN_LITTLE;
  switch (encoding) {
    case RawEncoding::u8:
      return kRaw | SF_FORMAT_PCM_U8;
    case RawEncoding::s16:
      return kRaw | SF_FORMAT_PCM_16;
    case RawEncoding::s24:
      return kRaw | SF_FORMAT_PCM_24;
    case RawEncoding::s32:
      return kRaw | SF_FORMAT_PCM_32;
    case RawEncoding::f32:
      return kRaw | SF_FORMAT_FLOAT;
    case RawEncoding::f64:
      return kRaw | SF_FORMAT_DOUBLE;
    case RawEncoding::ulaw:
      return kRaw | SF_FORMAT_ULAW;
    case RawEncoding::alaw:
      return kRaw | SF_FORMAT_ALAW;
  }
  throw std::logic_error("no such encoding");
}

}  // namespace gpuconv
