// same_taps.hpp - whether two responses are the same
#pragma once

#include <cstring>

#include "host/base/signal.hpp"

namespace gpuconv {

/// By their bytes: -0 is another tap than 0.
inline bool has_same_taps(const Stereo<Signal>& a, const Stereo<Signal>& b) {
  const auto is_same = [](const Signal& one, const Signal& other) {
    return one.size() == other.size() &&
           std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0;
  };
  return is_same(a.left, b.left) && is_same(a.right, b.right);
}

}  // namespace gpuconv
