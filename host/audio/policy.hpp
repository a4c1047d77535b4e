// policy.hpp - what to do with a recording or a response that is not quite whole
#pragma once

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

/// Which containers and encodings are let in; see listed.hpp.
enum class Formats {
  listed,  ///< those that people use
  any      ///< whatever libsndfile knows
};

}  // namespace gpuconv
