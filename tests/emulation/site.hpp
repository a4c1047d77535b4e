// site.hpp - a place in a kernel, and how messages name places, threads and blocks
#pragma once

#include <cuda_runtime.h>

#include <cstring>
#include <string>

namespace emulation {

struct Site {
  const char* file = "";
  int line = 0;
  bool operator==(const Site& other) const {
    return line == other.line && std::strcmp(file, other.file) == 0;
  }
  std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

inline std::string text(uint3 index) {
  return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
         std::to_string(index.z) + ")";
}

inline uint3 unflatten(unsigned number, dim3 size) {
  return {number % size.x, number / size.x % size.y, number / (size.x * size.y)};
}

}  // namespace emulation
