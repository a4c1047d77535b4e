#include "host/audio/raw_format.hpp"

#include <sndfile.h>

namespace gpuconv {
namespace {

struct Known {
  int code;
  int bytes;
};

Known known(RawEncoding encoding) {
  switch (encoding) {
    case RawEncoding::u8:
      return {SF_FORMAT_PCM_U8, 1};
    case RawEncoding::s16:
      return {SF_FORMAT_PCM_16, 2};
    case RawEncoding::s24:
      return {SF_FORMAT_PCM_24, 3};
    case RawEncoding::s32:
      return {SF_FORMAT_PCM_32, 4};
    case RawEncoding::f32:
      return {SF_FORMAT_FLOAT, 4};
    case RawEncoding::f64:
      return {SF_FORMAT_DOUBLE, 8};
    case RawEncoding::ulaw:
      return {SF_FORMAT_ULAW, 1};
    case RawEncoding::alaw:
      return {SF_FORMAT_ALAW, 1};
  }
  return {};
}

}  // namespace

int sndfile_code(RawEncoding encoding) {
  return SF_FORMAT_RAW | SF_ENDIAN_LITTLE | known(encoding).code;
}

int sample_bytes(RawEncoding encoding) { return known(encoding).bytes; }

}  // namespace gpuconv
