// nonfinite.hpp - finds and replaces samples that are NaN or infinite
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "host/read/input_tolerance.hpp"

namespace gpuconv {

/// First sample of `samples` that is NaN or infinite; samples.size() if there is none.
std::size_t find_nonfinite(std::span<const float> samples);

/// "not a number" or "infinite".
const char* nonfinite_name(float sample);

/// Replaces non-finite samples by 0 and returns how many, or throws a FileError that names the
/// first frame, counted from 0. `samples` is interleaved and begins at frame `first_frame` of
/// `path`.
std::int64_t mend_nonfinite(const std::string& path, std::span<float> samples, int channels,
                            std::int64_t first_frame, NonFinite policy);

}  // namespace gpuconv
