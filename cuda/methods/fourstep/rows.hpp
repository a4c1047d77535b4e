// rows.hpp - middle pass of gpu-fourstep: along the rows there, product, and back
//
// Works on the scratch memory that ColumnTransform describes, two rows to a block.
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/shapes.hpp"
#include "cuda/runtime/resources.hpp"

namespace gpuconv {

class RowTransform {
 public:
  virtual ~RowTransform() = default;

  /// Segments of which convolve() likes to have a multiple.
  virtual int together() const = 0;

  /// Queues the rest of the transforms of both sides' responses: each segment becomes a spectrum,
  /// in place.
  virtual void responses(const std::span<float2> (&spectra)[2], const Stream& stream) const = 0;

  /// The same for `count` segments that stand one after the other.
  virtual void spectra(std::span<float2> segments, int count, const Stream& stream) const = 0;

  /// Queues the way back of `count` segments of each side, in place.
  virtual void inverse(const std::span<float2> (&sides)[2], int count,
                       const Stream& stream) const = 0;

  /// Queues, for `count` segments in sides[0], transforming, multiplying by each side's spectrum,
  /// and transforming back into sides[0] and sides[1].
  virtual void convolve(const std::span<float2> (&sides)[2], int count,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) const = 0;
  /// Kernel launches of convolve(): 1 or 2.
  virtual int launches(int count) const = 0;

  /// responses() and convolve() in one launch, for one segment.
  virtual void convolve_with_responses(const std::span<float2> (&sides)[2],
                                       const std::span<float2> (&spectra)[2],
                                       const Stream& stream) const = 0;
};

/// Queues the upload of twiddles in `stream`.
std::unique_ptr<RowTransform> make_row_transform(const FourstepShape& shape, const Stream& stream);

}  // namespace gpuconv
