// stereo.hpp - one thing for each of two sides
//
// A pair and nothing more: what is on the left and what is on the right is written once, as a loop
// over kSides, so that the two cannot drift apart.
#pragma once

#include <array>
#include <string_view>

namespace gpuconv {

enum class Side { left, right };

inline constexpr std::array<Side, 2> kSides{Side::left, Side::right};

constexpr std::string_view name(Side side) { return side == Side::left ? "left" : "right"; }

template <typename T>
struct Stereo {
  T left{};
  T right{};

  constexpr T& operator[](Side side) { return side == Side::left ? left : right; }
  constexpr const T& operator[](Side side) const { return side == Side::left ? left : right; }
};

}  // namespace gpuconv
