// source_options.hpp - how a recording is read
#pragma once

#include <optional>

#include "host/read/input_tolerance.hpp"
#include "host/read/raw_format.hpp"

namespace gpuconv {

struct SourceOptions {
  std::optional<int> channel;  ///< counted from 1; needed if there are several
  NonFinite nonfinite = NonFinite::error;
  Truncated truncated = Truncated::error;
  Formats formats = Formats::allowed;
  std::optional<RawFormat> raw = std::nullopt;  ///< samples without a header
};

}  // namespace gpuconv
