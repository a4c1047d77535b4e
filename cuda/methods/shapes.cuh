// shapes.cuh - how the transforms of gpu-fourstep and gpu-fused are taken apart, one per length
//
// Strides between butterflies are such that no access of a warp to shared memory meets a bank twice
// (tests/cuda/block_fft_test.cu walks these lists).
#pragma once

#include <stdexcept>
#include <type_traits>

#include "cuda/fft/block_fft.cuh"
#include "cuda/methods/shapes.hpp"

namespace gpuconv {

template <typename... Shapes>
struct ShapeList {
  /// body(std::type_identity<Shape>) for every one.
  template <typename Body>
  static void each(const Body& body) {
    (body(std::type_identity<Shapes>{}), ...);
  }

  /// What body(std::type_identity<Shape>) returns for the one of this length.
  template <typename Result, typename Body>
  static Result pick(int length, const Body& body) {
    Result result{};
    const bool is_found =
        ((Shapes::kLength == length && (result = body(std::type_identity<Shapes>{}), true)) || ...);
    if (!is_found) throw std::logic_error("no transform of this length");
    return result;
  }
};

inline constexpr int kColumnLanes = 8;  // columns of a block: two rows of them are 128 bytes
inline constexpr int kRowLanes = 2;

/// Down the columns of kFourstepShapes.
using ColumnShapes =
    ShapeList<BlockShape<kColumnLanes, 8, 8>, BlockShape<kColumnLanes, 8, 16>,
              BlockShape<kColumnLanes, 9, 16>, BlockShape<kColumnLanes, 10, 16>,
              BlockShape<kColumnLanes, 12, 16>, BlockShape<kColumnLanes, 8, 4, 8>,
              BlockShape<kColumnLanes, 9, 4, 8>, BlockShape<kColumnLanes, 10, 4, 8>,
              BlockShape<kColumnLanes, 12, 4, 8>, BlockShape<kColumnLanes, 8, 8, 8>,
              BlockShape<kColumnLanes, 9, 8, 8>, BlockShape<kColumnLanes, 10, 8, 8>,
              BlockShape<kColumnLanes, 12, 8, 8>, BlockShape<kColumnLanes, 8, 16, 8>>;

/// Along the rows of kFourstepShapes.
using RowShapes = ShapeList<BlockShape<kRowLanes, 8, 8>, BlockShape<kRowLanes, 8, 4, 8>,
                            BlockShape<kRowLanes, 8, 8, 8>, BlockShape<kRowLanes, 8, 16, 8>,
                            BlockShape<kRowLanes, 8, 16, 16>, BlockShape<kRowLanes, 8, 8, 8, 8>>;

/// Of kFusedLengths.
using FusedShapes =
    ShapeList<BlockShape<1, 8, 16>, BlockShape<1, 4, 8, 16>, BlockShape<1, 8, 8, 16>,
              BlockShape<1, 8, 16, 16>, BlockShape<1, 16, 16, 16>, BlockShape<1, 8, 8, 8, 16>,
              BlockShape<1, 16, 8, 8, 16>>;

}  // namespace gpuconv
