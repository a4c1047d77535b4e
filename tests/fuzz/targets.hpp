// targets.hpp - what a fuzzer does with bytes: hand them to the readers as a file and as a pipe
#pragma once

#include <cstdint>
#include <span>

namespace gpuconv::test {

/// As a recording, a response and for "info", of any format that libsndfile knows, from a file and
/// through a pipe. Whatever is
/// thrown but a FileError goes on to the caller.
void fuzz_audio(std::span<const std::uint8_t> bytes);

/// As a SOFA file, in every direction that it has.
void fuzz_sofa(std::span<const std::uint8_t> bytes);

}  // namespace gpuconv::test
