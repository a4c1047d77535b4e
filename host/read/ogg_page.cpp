#include "host/read/ogg_page.hpp"

#include <array>

namespace gpuconv::ogg {
namespace {

constexpr std::array<std::uint32_t, 256> kSums = [] {
  std::array<std::uint32_t, 256> sums{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte << 24;
    for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ (sum >> 31 != 0 ? 0x04c11db7u : 0);
    sums[byte] = sum;
  }
  return sums;
}();

}  // namespace

std::uint32_t add_to(std::uint32_t sum, std::span<const unsigned char> bytes) {
  for (const unsigned char byte : bytes) sum = sum << 8 ^ kSums[sum >> 24 ^ byte];
  return sum;
}

}  // namespace gpuconv::ogg
