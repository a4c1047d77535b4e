// pcm_header.hpp - where the samples of an uncompressed recording lie, and what they are
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/read/chunks.hpp"
#include "host/read/raw_format.hpp"

namespace gpuconv {

/// What gpuconv itself reads in the header of a WAV or a NIST SPHERE; libsndfile then sees nothing
/// but the samples.
struct PcmHeader {
  const char* container;      ///< "WAV", "WAVEX", "RF64", "BW64", "W64" or "NIST SPHERE"
  const ChunkLayout* layout;  ///< null: a SPHERE, which has no chunks
  RawFormat format;
  std::int64_t begin;      ///< first byte of the samples
  std::int64_t bytes;      ///< of the samples; -1: up to the end
  std::size_t size_bytes;  ///< in which the header says so: one of 4 may have wrapped
};

}  // namespace gpuconv
