// malformed.hpp - files that are broken in every way that a header can be, the same every time
#pragma once

#include <string>
#include <vector>

#include "tests/support/specimens.hpp"

namespace gpuconv::test {

struct Malformed {
  std::string name;  ///< what is wrong with it
  std::string bytes;
};

/// The specimen cut after every byte of its header, and with every field at its extremes: 0, 1, the
/// largest, the largest and the smallest signed number, one more and one less than is right.
std::vector<Malformed> malformed(const Specimen& specimen);

}  // namespace gpuconv::test
