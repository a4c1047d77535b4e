// cpu_negacyclic_roots.hpp - the roots r of a transform modulo x^M - i, in the order they are used
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "host/methods/cpu_aligned_floats.hpp"

namespace gpuconv {

/// Where the passes of a transform find their roots: one table, in the order of the passes. M is f
/// 4^j or 2 f 4^j with f = 1, 3, 9: up to two passes of radix 3 come first, one of radix 2 may
/// follow, and the others have radix 4.
struct Passes {
  static constexpr int kLeaf = 16;
  static constexpr int kRoots = 3;  // r, r^2, r^3
  /// 8 KiB: with its roots and the windows, half of a first-level cache of 32 KiB.
  static constexpr int kChunk = 1024;
  static constexpr int kLeafRoots = kRoots * (1 + 4);
  static constexpr int kGroupPoints = 2048;
  static constexpr int kLongestGroup = 128;

  int half;
  const float* roots;

  int radix_3_passes() const { return half % 9 == 0 ? 2 : half % 3 == 0 ? 1 : 0; }
  int after_radix_3() const { return half / (half % 9 == 0 ? 9 : half % 3 == 0 ? 3 : 1); }
  bool has_radix_2() const { return std::countr_zero(static_cast<unsigned>(half)) % 2 != 0; }
  int longest_radix_4() const { return has_radix_2() ? after_radix_3() / 2 : after_radix_3(); }
  int chunk() const { return longest_radix_4() < kChunk ? longest_radix_4() : kChunk; }

  /// Columns that go through their levels together: whole cache lines, as many as the first-level
  /// cache has room for beside what is read and written.
  int group() const {
    const auto fits = std::bit_floor(static_cast<unsigned>(kGroupPoints / rows()));
    return std::clamp(static_cast<int>(fits), 32, kLongestGroup);
  }

  // A spectrum in memory: rows of a chunk each, real parts, then imaginary ones. Gaps keep what is
  // used together out of the same cache set.
  int rows() const { return half / chunk(); }
  int row_stride() const { return chunk() + 16; }
  std::size_t plane() const { return static_cast<std::size_t>(rows() * row_stride() + 32); }

  /// The first block's two roots of a radix-3 pass, r and r^2, as (re, im).
  static std::size_t radix_3_offset(int pass) { return pass == 0 ? 0 : 4; }
  /// The first block's root of the radix-2 pass.
  static std::size_t radix_2_offset() { return 16; }
  /// The first block's three roots of the radix-4 pass over blocks of `size`.
  std::size_t radix_4_offset(int size) const {
    return 48 + 2 * kRoots * static_cast<std::size_t>((half / size - half / longest_radix_4()) / 3);
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
