// cpu_lengths.hpp - lengths of the methods that take one ear and a whole signal at a time
#pragma once

#include <cstdint>
#include <span>

namespace gpuconv {

/// Throws std::invalid_argument unless `source` and `response` have samples and `wet` has room for
/// exactly N+K-1.
void check_lengths(std::span<const float> source, std::span<const float> response,
                   std::span<const float> wet);

/// Samples of source that are convolved at a time, for a response of K taps: all of a short source,
/// so that the method is what its name says; a longer one (22 s at 48 kHz, or longer than the
/// response) in blocks, whose tails are added, so that memory does not grow with it.
std::int64_t whole_block_length(std::int64_t response_length);

}  // namespace gpuconv
