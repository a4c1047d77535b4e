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

  /// Queues the rest of a response's transform: one segment in `scratch` becomes a `spectrum` of as
  /// many elements.
  virtual void response(std::span<const float2> scratch, std::span<float2> spectrum,
                        const Stream& stream) const = 0;

  /// Queues, for `count` segments in sides[0], transforming, multiplying by each side's spectrum,
  /// and transforming back into sides[0] and sides[1].
  virtual void convolve(const std::span<float2> (&sides)[2], int count,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) const = 0;
};

/// Uploads twiddles and waits.
std::unique_ptr<RowTransform> make_row_transform(const FourstepShape& shape, const Stream& stream);

}  // namespace gpuconv
