#include "cuda/methods/convolver.hpp"

#include <cstdint>
#include <stdexcept>

namespace gpuconv {
namespace {

bool is_aligned(const float* samples) {
  return reinterpret_cast<std::uintptr_t>(samples) % 16 == 0;
}

}  // namespace

int source_length_of(const Block& block, const Stereo<std::span<float>>& wet) {
  const std::size_t length = block.source.size() / static_cast<std::size_t>(block.clips);
  if (!is_aligned(block.source.data()) || !is_aligned(wet.left.data()) ||
      !is_aligned(wet.right.data()) || (block.clips > 1 && length % 4 != 0)) {
    throw std::invalid_argument("Convolver: a source or wet signal is not aligned to 16 bytes");
  }
  return static_cast<int>(length);
}

}  // namespace gpuconv
