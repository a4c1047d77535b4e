// cpu_negacyclic_roots.hpp - the roots r of a transform modulo x^M - i, in the order they are used
#pragma once

#include <bit>
#include <cstddef>

#include "host/methods/cpu_aligned_floats.hpp"

namespace gpuconv {

/// Where the passes of a transform find their roots: one table, in the order of the passes.
struct Passes {
  static constexpr int kLeaf = 16;
  static constexpr int kRoots = 3;  // r, r^2, r^3
  /// 8 KiB: with its roots and the windows, half of a first-level cache of 32 KiB.
  static constexpr int kChunk = 1024;
  static constexpr int kLeafRoots = kRoots * (1 + 4);

  int half;
  const float* roots;

  /// M is 16 * 4^j, or twice that: then there is one pass of radix 2, the first.
  bool starts_with_radix_2() const {
    return std::countr_zero(static_cast<unsigned>(half)) % 2 != 0;
  }
  int longest_radix_4() const { return starts_with_radix_2() ? half / 2 : half; }
  int chunk() const { return longest_radix_4() < kChunk ? longest_radix_4() : kChunk; }

  /// The first block's three roots of the radix-4 pass over blocks of `size`, as (re, im).
  std::size_t radix_4_offset(int size) const {
    return 16 + 2 * kRoots * static_cast<std::size_t>((half / size - half / longest_radix_4()) / 3);
  }
  /// Of the leaves: 15 roots for each group of as many blocks as a vector has lanes, as vectors.
  std::size_t leaf_offset() const { return (radix_4_offset(kLeaf) + 15) / 16 * 16; }
  std::size_t table_size() const {
    return leaf_offset() + static_cast<std::size_t>(half / kLeaf) * 2 * kLeafRoots;
  }
};

/// The table of a transform whose vectors have `lanes` lanes.
AlignedFloats make_roots(int half, int lanes);

}  // namespace gpuconv
