// columns.hpp - first and last pass of gpu-fourstep: transforms down the columns of a matrix
//
// A segment is a matrix of `rows` x `columns` complex numbers, n = row * columns + column. Between
// the passes it lies in scratch memory as pairs of rows: element (row, column) at
// (row / 2 * columns + column) * 2 + row % 2, and rows stand in the order in which the butterflies
// leave them.
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/segments.cuh"
#include "cuda/methods/shapes.hpp"
#include "cuda/runtime/resources.hpp"

namespace gpuconv {

/// Segments first ... first + count - 1 of a signal, and where they go, one after the other.
struct ColumnPiece {
  SegmentReader from;
  int first;
  int count;
  float2* scratch;
};
inline constexpr std::size_t kMostColumnPieces = 3;  // a source and both sides' responses

class ColumnTransform {
 public:
  virtual ~ColumnTransform() = default;

  /// Queues, in one launch, folding and transforming down the columns, and multiplying by the
  /// twiddles between columns and rows. Pieces after the first have one segment.
  virtual void forward(std::span<const ColumnPiece> pieces, const Stream& stream) const = 0;

  /// The same for the segments of `count` items, on the device.
  virtual void forward_items(const float* samples, const VoiceItem* items, int count,
                             float2* scratch, const Stream& stream) const = 0;

  /// Queues the way back for both sides in one launch.
  virtual void inverse(const SegmentWriter (&wet)[2], int first, int count,
                       const std::span<float2> (&scratch)[2], const Stream& stream) const = 0;
};

/// Queues the upload of twiddles in `stream`.
std::unique_ptr<ColumnTransform> make_column_transform(const FourstepShape& shape,
                                                       const Stream& stream);

}  // namespace gpuconv
