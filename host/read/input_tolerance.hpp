// input_tolerance.hpp - which defects of a recording or a response gpuconv tolerates
#pragma once

#include <cstdint>
#include <string>

namespace gpuconv {

/// What to do with a sample that is NaN or infinite: one would spoil K frames of wet signal.
enum class NonFinite {
  error,  ///< reject the file and name the first frame
  zero    ///< replace it by 0 and count
};

/// What to do with a file that is shorter than its header says, or much longer.
enum class Truncated {
  error,  ///< reject the file and name both sizes
  accept  ///< read the samples that are both promised and there
};

/// Defects that gpuconv accepted because the user asked for it, or because it cannot verify them.
struct Repairs {
  std::int64_t replaced = 0;  ///< samples that were NaN or infinite and became 0
  std::string shortfall;      ///< of a truncated file, in words; or empty
  std::string remark = {};    ///< what gpuconv cannot verify, in words; or empty
};

/// Which containers and encodings gpuconv reads; see allowed_formats.hpp.
enum class Formats {
  allowed,  ///< the common ones
  any       ///< all that libsndfile knows
};

}  // namespace gpuconv
