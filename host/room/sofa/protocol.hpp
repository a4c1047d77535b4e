// protocol.hpp - what gpuconv and gpuconv-sofa say to each other
//
// HDF5 has crashed on malformed files, so a process of its own reads them: gpuconv-sofa. It gets
// the open file as descriptor 3 and a stream socket as descriptor 0. It sends the catalogue of the
// file unasked, and then one reply for each request, until the socket is closed.
//
// A reply is a ReplyHead and `bytes` bytes: a catalogue is JSON, values are float64, a refusal is
// one line of text. Both ends are the same machine and the same build, so structures go as they
// are.
#pragma once

#include <cstdint>

namespace gpuconv::sofa {

inline constexpr int kSocket = 0;  ///< descriptors of gpuconv-sofa
inline constexpr int kFile = 3;

inline constexpr std::uint32_t kMaxRank = 5;
inline constexpr std::uint32_t kMaxRows = 32;
/// Most values of one reply: 8 MiB.
inline constexpr std::uint64_t kMaxValues = std::uint64_t{1} << 20;

enum class Status : std::uint32_t { done, refused };

/// Changes with whatever is said here: both programs must be of one build.
inline constexpr std::uint32_t kVersion = 0x50470001;

struct ReplyHead {
  Status status = Status::done;
  std::uint32_t version = kVersion;
  std::uint64_t bytes = 0;
};

/// A box of a variable: `count` values from `first` on along each axis. Where `rows` are given,
/// they take the place of the first axis: the box is read for each of them.
struct ReadRequest {
  std::uint32_t variable = 0;  ///< its place in the catalogue
  std::uint32_t rank = 0;
  std::uint32_t row_count = 0;
  std::uint32_t unused = 0;
  std::uint64_t rows[kMaxRows] = {};  ///< ascending
  std::uint64_t first[kMaxRank] = {};
  std::uint64_t count[kMaxRank] = {};
};

}  // namespace gpuconv::sofa
