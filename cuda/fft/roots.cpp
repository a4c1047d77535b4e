#include "cuda/fft/roots.hpp"

#include <cmath>
#include <numbers>

namespace gpuconv {

float2 unit_root(long long numerator, long long denominator, double scale) {
  // Fold the angle into the first octant, where sin and cos lose nothing, then undo by symmetry.
  long long eighths = 8 * (((numerator % denominator) + denominator) % denominator);
  const int octant = static_cast<int>(eighths / denominator);
  const long long quarter_turns = (octant + 1) / 2;  // nearest axis
  const double angle = std::numbers::pi / 4 / static_cast<double>(denominator) *
                       static_cast<double>(eighths - 2 * quarter_turns * denominator);
  const float cosine = static_cast<float>(scale * std::cos(angle));
  const float sine = static_cast<float>(scale * std::sin(angle));
  switch (quarter_turns % 4) {
    case 0:
      return make_float2(cosine, sine);
    case 1:
      return make_float2(-sine, cosine);
    case 2:
      return make_float2(-cosine, -sine);
    default:
      return make_float2(sine, -cosine);
  }
}

float2 shears_of_turn(long long numerator, long long denominator) {
  const double half =
      std::numbers::pi * static_cast<double>(numerator) / static_cast<double>(denominator);
  return make_float2(static_cast<float>(std::tan(half)), static_cast<float>(std::sin(2 * half)));
}

std::vector<float2> stage_twiddles(int length) {
  std::vector<float2> table(static_cast<std::size_t>(length), make_float2(1, 0));
  const int longest = length / 2;
  for (int j = 0; j < longest; ++j) {
    table[static_cast<std::size_t>(longest + j)] = unit_root(-j, 2LL * longest);
  }
  for (int half = longest / 2; half >= 1; half /= 2) {
    for (int j = 0; j < half; ++j) {
      table[static_cast<std::size_t>(half + j)] = table[static_cast<std::size_t>(2 * half + 2 * j)];
    }
  }
  return table;
}

std::vector<float2> quarter_turn(int length) {
  std::vector<float2> table(static_cast<std::size_t>(length));
  for (int n = 0; n < length; ++n) table[static_cast<std::size_t>(n)] = unit_root(n, 4LL * length);
  return table;
}

}  // namespace gpuconv
