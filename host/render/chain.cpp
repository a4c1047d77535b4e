#include "host/render/chain.hpp"

#include <algorithm>
#include <vector>

#include "host/methods/cpu_vectorised.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMostProducts = std::size_t{1} << 22;

Signal by_definition(const Signal& a, const Signal& b) {
  std::vector<double> sums(a.size() + b.size() - 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) sums[i + k] += double{a[i]} * double{b[k]};
  }
  return {sums.begin(), sums.end()};
}

/// The method has one source for both ears.
Signal by_transform(const Signal& a, const Signal& b) {
  const bool is_longer = a.size() >= b.size();
  const Signal& source = is_longer ? a : b;
  const Signal& taps = is_longer ? b : a;
  const VectorisedConvolver convolver(Stereo<Signal>{taps, taps});
  std::size_t read = 0;
  Signal result;
  convolver.run(
      [&](std::span<float> block) {
        const std::size_t count = std::min(block.size(), source.size() - read);
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(read), count, block.begin());
        read += count;
        return count;
      },
      [&](Stereo<std::span<const float>> wet) {
        result.insert(result.end(), wet.left.begin(), wet.left.end());
      });
  return result;
}

}  // namespace

Response chained(const Response& first, const Response& second) {
  Response result = first;
  result.latency_frames += second.latency_frames;
  for (const Side side : kSides) {
    const Signal& a = first.taps[side];
    const Signal& b = second.taps[side];
    result.taps[side] =
        a.size() * b.size() <= kMostProducts ? by_definition(a, b) : by_transform(a, b);
  }
  return result;
}

}  // namespace gpuconv
