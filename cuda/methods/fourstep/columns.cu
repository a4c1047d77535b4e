#include "cuda/methods/fourstep/columns.hpp"

#include <bit>

#include "cuda/methods/shapes.cuh"

namespace gpuconv {
namespace {

/// exp(-2 pi i column (frequency - 1/4) / M), the twiddles between columns and rows, turned. Down a
/// column the last butterflies leave frequencies base + t rows / R, R their radix, so that a
/// product of two factors does, each rounded once from double: one for the base and one for t.
struct FourstepTwiddles {
  const float2* base;  ///< [butterfly][column]
  const float2* step;  ///< [t][column]
};

/// v[.][t] times the twiddle, or its conjugate.
template <bool is_forward, typename Shape>
__device__ inline void fourstep_twiddle(const FourstepTwiddles& twiddles,
                                        const LastButterfly<Shape>& at, int column, int columns,
                                        typename LastButterfly<Shape>::Values& v) {
  using At = LastButterfly<Shape>;
  typename At::Values base;
  typename At::Values step;
  read_lanes(twiddles.base + at.first / At::kRadix * columns + column, base, 0);
  unrolled<At::kRadix>([&](auto t) {
    if constexpr (decltype(t)::value > 0) {
      read_lanes(twiddles.step + t * columns + column, step, t);
    }
    unrolled<At::kWidth>([&](auto w) {
      float2 twiddle = base[w][0];
      if constexpr (decltype(t)::value > 0) twiddle = multiply(twiddle, step[w][t]);
      v[w][t] = is_forward ? multiply(v[w][t], twiddle) : multiply_conjugate(v[w][t], twiddle);
    });
  });
}

/// Which segment and columns a block does.
struct ColumnBlock {
  int segment;  ///< within the launch
  int column;

  __device__ ColumnBlock(int block, int log2_columns)
      : segment(block >> (log2_columns - 3)),
        column((block & ((1 << (log2_columns - 3)) - 1)) * kColumnLanes) {
    static_assert(kColumnLanes == 1 << 3);
  }
};

/// Elements (row, column) and (row + 1, column) of a segment in scratch memory, row even.
__device__ inline float4* row_pair(float2* scratch, int segment, int row, int column, int rows,
                                   int log2_columns) {
  const int pair = segment * (rows / 2) + row / 2;
  return reinterpret_cast<float4*>(scratch) + (pair << log2_columns) + column;
}

template <typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    columns_forward_kernel(SegmentReader source, int first_segment, int log2_columns,
                           float2* __restrict__ scratch, const float2* twiddles,
                           FourstepTwiddles between, Turn<Shape::radix(0)> turn) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const ColumnBlock block(static_cast<int>(blockIdx.x), log2_columns);
  const SegmentReader segment = source.segment(first_segment + block.segment);
  forward_to_last<Shape>(z, twiddles, turn, [&](const auto& at, auto& v) {
    unrolled<Shape::radix(0)>([&](auto t) {
      segment.read((at.element(t) << log2_columns) + block.column + at.lane, v, t);
    });
  });
  for_last_butterflies<Shape>([&](const Last& at, auto) {
    typename Last::Values v;
    forward_last(z, at, v);
    const int column = block.column + at.lane;
    fourstep_twiddle<true, Shape>(between, at, column, 1 << log2_columns, v);
    unrolled<Last::kRadix / 2>([&](auto pair) {
      constexpr int t = 2 * decltype(pair)::value;
      unrolled<Last::kWidth>([&](auto w) {
        *row_pair(scratch, block.segment, at.element(t), column + w, Shape::kLength, log2_columns) =
            make_float4(v[w][t].x, v[w][t].y, v[w][t + 1].x, v[w][t + 1].y);
      });
    });
  });
}

/// Of the two sides.
struct ColumnSides {
  SegmentWriter wet[2];
  float2* scratch[2];
};

/// Blocks 0 to `blocks_per_side` - 1 do the left side, the others the right one.
template <typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    columns_inverse_kernel(ColumnSides sides, int blocks_per_side, int first_segment,
                           int log2_columns, const float2* twiddles, FourstepTwiddles between,
                           Turn<Shape::radix(0)> turn) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const int number = static_cast<int>(blockIdx.x);
  const bool is_left = number < blocks_per_side;
  const ColumnBlock block(is_left ? number : number - blocks_per_side, log2_columns);
  float2* const scratch = is_left ? sides.scratch[0] : sides.scratch[1];
  for_last_butterflies<Shape>([&](const Last& at, auto) {
    typename Last::Values v;
    const int column = block.column + at.lane;
    unrolled<Last::kRadix / 2>([&](auto pair) {
      constexpr int t = 2 * decltype(pair)::value;
      unrolled<Last::kWidth>([&](auto w) {
        const float4 both = *row_pair(scratch, block.segment, at.element(t), column + w,
                                      Shape::kLength, log2_columns);
        v[w][t] = make_float2(both.x, both.y);
        v[w][t + 1] = make_float2(both.z, both.w);
      });
    });
    fourstep_twiddle<false, Shape>(between, at, column, 1 << log2_columns, v);
    inverse_first(z, at, v);
  });
  const SegmentWriter wet =
      (is_left ? sides.wet[0] : sides.wet[1]).segment(first_segment + block.segment);
  inverse_from_first<Shape>(z, twiddles, turn, [&](const auto& at, const auto& v) {
    unrolled<Shape::radix(0)>(
        [&](auto t) { wet.write((at.element(t) << log2_columns) + block.column + at.lane, v, t); });
  });
}

template <typename Shape>
class Columns final : public ColumnTransform {
 public:
  Columns(int columns, const Stream& stream)
      : log2_columns_(std::countr_zero(static_cast<unsigned>(columns))),
        twiddles_(upload_now(Shape::table(true), stream)),
        base_(upload_now(base_table(columns), stream)),
        step_(upload_now(step_table(columns), stream)) {}

  void forward(const SegmentReader& source, int first, int count, std::span<float2> scratch,
               const Stream& stream) const override {
    launch(columns_forward_kernel<Shape>, shape(count), stream, source, first, log2_columns_,
           scratch.data(), twiddles_.data(), between(), make_turn<Shape>());
  }

  void inverse(const SegmentWriter (&wet)[2], int first, int count,
               const std::span<float2> (&scratch)[2], const Stream& stream) const override {
    const ColumnSides sides{{wet[0], wet[1]}, {scratch[0].data(), scratch[1].data()}};
    launch(columns_inverse_kernel<Shape>, shape(2 * count), stream, sides,
           static_cast<int>(shape(count).blocks), first, log2_columns_, twiddles_.data(), between(),
           make_turn<Shape>());
  }

 private:
  static constexpr int kLastRadix = Shape::radix(Shape::kStages - 1);

  static std::vector<float2> base_table(int columns) {
    std::vector<float2> table;
    for (int first = 0; first < Shape::kLength; first += kLastRadix) {
      for (int column = 0; column < columns; ++column) {
        table.push_back(
            unit_root(-static_cast<long long>(column) * (4LL * Shape::frequency(first) - 1),
                      4LL * Shape::kLength * columns));
      }
    }
    return table;
  }

  static std::vector<float2> step_table(int columns) {
    std::vector<float2> table;
    for (int t = 0; t < kLastRadix; ++t) {
      for (int column = 0; column < columns; ++column) {
        table.push_back(unit_root(-static_cast<long long>(column) * t,
                                  static_cast<long long>(kLastRadix) * columns));
      }
    }
    return table;
  }

  LaunchShape shape(int segments) const {
    return {static_cast<unsigned>(segments << log2_columns_) / kColumnLanes, Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements)};
  }
  FourstepTwiddles between() const { return {base_.data(), step_.data()}; }

  int log2_columns_;
  DeviceBuffer<float2> twiddles_;
  DeviceBuffer<float2> base_;
  DeviceBuffer<float2> step_;
};

}  // namespace

std::unique_ptr<ColumnTransform> make_column_transform(const FourstepShape& shape,
                                                       const Stream& stream) {
  return ColumnShapes::pick<std::unique_ptr<ColumnTransform>>(
      shape.rows, [&]<typename Shape>(std::type_identity<Shape>) {
        return std::make_unique<Columns<Shape>>(shape.columns, stream);
      });
}

}  // namespace gpuconv
