// input_tolerance.hpp - what to do with a recording or a response that is not quite whole
#pragma once

#include <cstdint>
#include <string>

namespace gpuconv {

/// A sample that is not a number, or infinite. One of them would spoil K frames of wet signal.
enum class NonFinite {
  error,  ///< refuse the file and name the first frame
  zero    ///< put 0 in its place and count
};

/// A file that is shorter than its own header says, or so much longer that the header is wrong.
enum class Truncated {
  error,  ///< refuse the file and name both sizes
  accept  ///< use what is both promised and there
};

/// What a file lacked and was used all the same, since that was asked for, or since nobody can know
/// whether it lacks anything.
struct Repairs {
  std::int64_t replaced = 0;  ///< numbers that were not finite and became 0
  std::string shortfall;      ///< what a truncated file lacks, in words; or empty
  std::string remark = {};    ///< what cannot be verified of it, in words; or empty
};

/// Which containers and encodings are let in; see allowed_formats.hpp.
enum class Formats {
  allowed,  ///< those that people use
  any       ///< whatever libsndfile knows
};

}  // namespace gpuconv
