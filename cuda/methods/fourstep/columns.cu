#include "cuda/methods/fourstep/columns.hpp"

#include <utility>

#include "cuda/methods/shapes.cuh"

namespace gpuconv {
namespace {

/// exp(-2 pi i column (frequency - 1/4) / M), the twiddles between columns and rows, turned. Down a
/// column the last butterflies leave frequencies base + t rows / R, R their radix, so that two
/// factors do, each rounded once from double: one for the base, and for t a rotation like those of
/// a stage, one for t and R - t.
struct FourstepTwiddles {
  const float2* base;  ///< [butterfly][column]
  const float2* step;  ///< [(t - 1) / 2][column][(t - 1) % 2]
};

/// v[.][t] times the twiddle, or its conjugate.
template <bool is_forward, int kColumns, typename Shape>
__device__ inline void fourstep_twiddle(const FourstepTwiddles& twiddles,
                                        const LastButterfly<Shape>& at, int column,
                                        typename LastButterfly<Shape>::Values& v) {
  using At = LastButterfly<Shape>;
  typename At::Values base;
  read_lanes(twiddles.base + at.first / At::kRadix * kColumns + column, base, 0);
  const float2* const step = opaque(twiddles.step + 2 * column);
  unrolled<At::kWidth>([&](auto w) {
    unrolled<At::kRadix>([&](auto t) {
      v[w][t] =
          is_forward ? multiply(v[w][t], base[w][0]) : multiply_conjugate(v[w][t], base[w][0]);
    });
  });
  unrolled<At::kRadix / 4>([&](auto pair) {
    unrolled<At::kWidth>([&](auto w) {
      float2 both[2][1];
      read_lanes(step + 2 * (pair * kColumns + w), both, 0);
      unrolled<2>([&](auto i) {
        constexpr int t = 2 * decltype(pair)::value + decltype(i)::value + 1;
        constexpr int kOther = At::kRadix - t;
        v[w][t] = twiddled<is_forward, t, At::kRadix>(v[w][t], both[i][0]);
        if constexpr (kOther != t) {
          v[w][kOther] = twiddled<!is_forward, t, At::kRadix>(v[w][kOther], both[i][0]);
        }
      });
    });
  });
}

/// Which segment and columns a block does.
template <int kColumns>
struct ColumnBlock {
  int segment;  ///< within the launch
  int column;

  __device__ explicit ColumnBlock(unsigned block)
      : segment(static_cast<int>(block / kBlocks)),
        column(static_cast<int>(block % kBlocks) * kColumnLanes) {}

 private:
  static constexpr unsigned kBlocks = kColumns / kColumnLanes;
};

/// Elements (row, column) and (row + 1, column) of a segment that begins at `scratch`, row even:
/// those of rows that come later are at offsets that are constants.
template <int kColumns>
__device__ inline float4* row_pairs(float2* scratch, int row, int column) {
  return opaque(reinterpret_cast<float4*>(scratch) + row / 2 * kColumns + column);
}

/// Segment `first` of piece 0 and those after it; segment 0 of the others.
struct ColumnPieces {
  SegmentReader from[kMostColumnPieces];
  float2* scratch[kMostColumnPieces];
  int first;
  int count;               ///< of piece 0
  const float* samples;    ///< of the items
  const VoiceItem* items;  ///< instead of from[0], unless null
};

template <typename Shape, int kColumns>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    columns_forward_kernel(ColumnPieces pieces, const float2* twiddles, FourstepTwiddles between) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const ColumnBlock<kColumns> block(blockIdx.x);
  const int piece = block.segment < pieces.count ? 0 : block.segment - pieces.count + 1;
  const int within = piece == 0 ? block.segment : 0;
  float2* const to = opaque(pieces.scratch[piece] + within * Shape::kLength * kColumns);
  wait_for_previous();
  const SegmentReader segment =
      (pieces.items != nullptr ? SegmentReader(pieces.samples, pieces.items[within])
                               : pieces.from[piece].segment(piece == 0 ? pieces.first + within : 0))
          .held();
  forward_to_last<Shape, true>(z, twiddles, [&](const auto& at, auto& v) {
    segment.read<Shape::kLength * kColumns>(at.first * kColumns + block.column + at.lane, v);
  });
  for_last_butterflies<Shape>([&](const Last& at, auto) {
    typename Last::Values v;
    forward_last(z, at, v);
    const int column = block.column + at.lane;
    fourstep_twiddle<true, kColumns>(between, at, column, v);
    float4* const rows = row_pairs<kColumns>(to, at.first, column);
    unrolled<Last::kRadix / 2>([&](auto pair) {
      constexpr int t = 2 * decltype(pair)::value;
      unrolled<Last::kWidth>([&](auto w) {
        rows[pair * kColumns + w] = make_float4(v[w][t].x, v[w][t].y, v[w][t + 1].x, v[w][t + 1].y);
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
template <typename Shape, int kColumns>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    columns_inverse_kernel(ColumnSides sides, unsigned blocks_per_side, int first_segment,
                           const float2* twiddles, FourstepTwiddles between,
                           TurnBack<Shape::radix(0)> turn) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const bool is_left = blockIdx.x < blocks_per_side;
  const ColumnBlock<kColumns> block(is_left ? blockIdx.x : blockIdx.x - blocks_per_side);
  float2* const from = opaque((is_left ? sides.scratch[0] : sides.scratch[1]) +
                              block.segment * Shape::kLength * kColumns);
  wait_for_previous();
  for_last_butterflies<Shape>([&](const Last& at, auto) {
    typename Last::Values v;
    const int column = block.column + at.lane;
    const float4* const rows = row_pairs<kColumns>(from, at.first, column);
    unrolled<Last::kRadix / 2>([&](auto pair) {
      constexpr int t = 2 * decltype(pair)::value;
      unrolled<Last::kWidth>([&](auto w) {
        const float4 both = rows[pair * kColumns + w];
        v[w][t] = make_float2(both.x, both.y);
        v[w][t + 1] = make_float2(both.z, both.w);
      });
    });
    fourstep_twiddle<false, kColumns>(between, at, column, v);
    inverse_first(z, at, v);
  });
  const SegmentWriter wet =
      (is_left ? sides.wet[0] : sides.wet[1]).segment(first_segment + block.segment).held();
  inverse_from_first<Shape>(z, twiddles, turn, [&](const auto& at, const auto& v) {
    wet.write<Shape::kLength * kColumns>(at.first * kColumns + block.column + at.lane, v);
  });
}

template <typename Shape, int kColumns>
class Columns final : public ColumnTransform {
 public:
  explicit Columns(const Stream& stream)
      : twiddles_(Shape::table(true), stream),
        base_(base_table(), stream),
        step_(step_table(), stream) {}

  void forward(std::span<const ColumnPiece> pieces, const Stream& stream) const override {
    ColumnPieces all{};
    all.first = pieces[0].first;
    all.count = pieces[0].count;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      all.from[i] = pieces[i].from;
      all.scratch[i] = pieces[i].scratch;
    }
    launch(columns_forward_kernel<Shape, kColumns>,
           shape(all.count + static_cast<int>(pieces.size()) - 1), stream, all, twiddles_.data(),
           between());
  }

  void forward_items(const float* samples, const VoiceItem* items, int count, float2* scratch,
                     const Stream& stream) const override {
    ColumnPieces all{};
    all.count = count;
    all.samples = samples;
    all.items = items;
    all.scratch[0] = scratch;
    launch(columns_forward_kernel<Shape, kColumns>, shape(count), stream, all, twiddles_.data(),
           between());
  }

  void inverse(const SegmentWriter (&wet)[2], int first, int count,
               const std::span<float2> (&scratch)[2], const Stream& stream) const override {
    const ColumnSides sides{{wet[0], wet[1]}, {scratch[0].data(), scratch[1].data()}};
    launch(columns_inverse_kernel<Shape, kColumns>, shape(2 * count), stream, sides,
           shape(count).blocks, first, twiddles_.data(), between(), turn_back_);
  }

 private:
  static constexpr int kLastRadix = Shape::radix(Shape::kStages - 1);

  static std::vector<float2> base_table() {
    std::vector<float2> table;
    for (int first = 0; first < Shape::kLength; first += kLastRadix) {
      for (int column = 0; column < kColumns; ++column) {
        table.push_back(
            unit_root(-static_cast<long long>(column) * (4LL * Shape::frequency(first) - 1),
                      4LL * Shape::kLength * kColumns));
      }
    }
    return table;
  }

  static std::vector<float2> step_table() {
    std::vector<float2> table;
    for (int t = 1; t < kLastRadix / 2; t += 2) {
      for (int column = 0; column < kColumns; ++column) {
        for (const int one : {t, t + 1}) {
          table.push_back(
              shears_of_turn(4LL * column * one - kColumns * kLastRadix * quarters(one, kLastRadix),
                             4LL * kLastRadix * kColumns));
        }
      }
    }
    return table;
  }

  LaunchShape shape(int segments) const {
    return {static_cast<unsigned>(segments) * kColumns / kColumnLanes, Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements), true};
  }
  FourstepTwiddles between() const { return {base_.data(), step_.data()}; }

  TurnBack<Shape::radix(0)> turn_back_ = make_turn_back<Shape>(1.0 / (Shape::kLength * kColumns));
  UploadedTable<float2> twiddles_;
  UploadedTable<float2> base_;
  UploadedTable<float2> step_;
};

/// The number of columns is a constant, so that offsets are constants, too.
template <typename Shape, int... kLog2Columns>
std::unique_ptr<ColumnTransform> make_columns(int columns, const Stream& stream,
                                              std::integer_sequence<int, kLog2Columns...>) {
  std::unique_ptr<ColumnTransform> made;
  const auto make = [&]<int kColumns>(Index<kColumns>) {
    if constexpr (is_fourstep_shape(Shape::kLength, kColumns)) {
      if (columns == kColumns) made = std::make_unique<Columns<Shape, kColumns>>(stream);
    }
  };
  (make(Index<1 << kLog2Columns>{}), ...);
  return made;
}

}  // namespace

std::unique_ptr<ColumnTransform> make_column_transform(const FourstepShape& shape,
                                                       const Stream& stream) {
  return ColumnShapes::pick<std::unique_ptr<ColumnTransform>>(
      shape.rows, [&]<typename Shape>(std::type_identity<Shape>) {
        return make_columns<Shape>(shape.columns, stream, std::make_integer_sequence<int, 13>{});
      });
}

}  // namespace gpuconv
