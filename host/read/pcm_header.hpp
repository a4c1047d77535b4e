// pcm_header.hpp - place and format of the samples of an uncompressed recording
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/read/chunks.hpp"
#include "host/read/raw_format.hpp"

namespace gpuconv {

/// The header of a WAV or a NIST SPHERE, which gpuconv reads itself. Libsndfile sees only the
/// samples.
struct PcmHeader {
  const char* container;      ///< "WAV", "WAVEX", "RF64", "BW64", "W64" or "NIST SPHERE"
  const ChunkLayout* layout;  ///< null: a SPHERE, which has no chunks
  RawFormat format;
  std::int64_t begin;              ///< first byte of the samples
  std::int64_t bytes;              ///< of the samples; -1: up to the end
  std::size_t size_bytes;          ///< in which the header says so: one of 4 may have wrapped
  std::uint32_t channel_mask = 0;  ///< see AudioFormat
};

}  // namespace gpuconv
