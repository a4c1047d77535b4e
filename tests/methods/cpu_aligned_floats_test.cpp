// cpu_aligned_floats_test.cpp - where the memory starts, and that what is freed is used again
#include "host/methods/cpu_aligned_floats.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace gpuconv::test {
namespace {

constexpr std::size_t kLarge = std::size_t{3} << 20;  // floats: 12 MiB

std::vector<AlignedFloats> several(int count, std::size_t size) {
  std::vector<AlignedFloats> all;
  for (int i = 0; i < count; ++i) all.emplace_back(size);
  return all;
}

TEST(CpuAlignedFloats, StartOnACacheLine) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kLarge}) {
    AlignedFloats floats(size);
    EXPECT_EQ(floats.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(floats.data()) % 64, 0U) << size;
    for (std::size_t i = 0; i < size; ++i) floats.data()[i] = 1;
  }
}

TEST(CpuAlignedFloats, UseLargeMemoryAgain) {
  const float* freed = nullptr;
  {
    const AlignedFloats floats(kLarge);
    freed = floats.data();
  }
  const AlignedFloats again(kLarge - 5000);
  EXPECT_EQ(again.data(), freed);
  const AlignedFloats other(kLarge);
  EXPECT_NE(other.data(), freed);
}

TEST(CpuAlignedFloats, NeverUseMemoryThatIsTooSmall) {
  { const AlignedFloats small(kLarge); }
  AlignedFloats large(2 * kLarge);
  for (std::size_t i = 0; i < large.size(); ++i) large.data()[i] = 1;  // ASan watches
  AlignedFloats moved = std::move(large);
  EXPECT_EQ(moved.data()[2 * kLarge - 1], 1.0F);
}

TEST(CpuAlignedFloats, KeepNoMoreThanTheyPromise) {
  for (const std::size_t size : {kLarge, 10 * kLarge, kLarge / 2}) {
    { const std::vector<AlignedFloats> all = several(12, size); }
    EXPECT_LE(AlignedFloats::kept_bytes(), AlignedFloats::kKeptBytes) << size;
    // The latest ones, as many as there is room for.
    EXPECT_GE(AlignedFloats::kept_bytes() + size * sizeof(float), AlignedFloats::kKeptBytes / 2);
  }
}

}  // namespace
}  // namespace gpuconv::test
