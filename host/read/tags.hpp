// tags.hpp - ID3 tags, which some programs put before or after a recording of any kind
#pragma once

#include <cstdint>
#include <span>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// Bytes of the ID3v2 tag that begins with `head`, of which 10 bytes are needed; 0 if it is none.
std::int64_t id3_bytes(std::span<const unsigned char> head);

/// Bytes of the ID3v2 or ID3v1 tag after a recording that begins with `head`; 0 if there is none.
std::int64_t tag_bytes(std::span<const unsigned char> head);

/// Bytes of all ID3v2 tags at the beginning of an input, and of the padding after the last of them;
/// 0 if there are none. Tags that claim more than there is end the search.
std::int64_t leading_tag_bytes(const Peek& peek);

}  // namespace gpuconv
