// block_fft_test.cu - transforms in shared memory: butterflies, places, banks
#include "cuda/fft/block_fft.cuh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <complex>
#include <numbers>
#include <set>
#include <utility>
#include <vector>

#include "cuda/methods/shapes.cuh"
#include "cuda/runtime/device.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

using Complex = std::complex<double>;

TEST(CosineOfTurn, IsTheCosine) {
  for (int denominator = 1; denominator <= 64; ++denominator) {
    for (int numerator = 0; numerator <= 3 * denominator; ++numerator) {
      const double angle = 2 * std::numbers::pi * numerator / denominator;
      EXPECT_NEAR(cosine_of_turn(numerator, denominator), std::cos(angle), 1e-14);
      EXPECT_NEAR(sine_of_turn(numerator, denominator), std::sin(angle), 1e-14);
    }
  }
}

template <bool is_forward, int kRadix>
__global__ void butterfly_kernel(float2* elements) {
  float2 v[kRadix];
  for (int t = 0; t < kRadix; ++t) v[t] = elements[t];
  butterfly<is_forward>(v);
  for (int t = 0; t < kRadix; ++t) elements[t] = v[t];
}

Complex root(int numerator, int denominator) {
  return std::polar(1.0, 2 * std::numbers::pi * numerator / denominator);
}

template <typename Radix>
class ButterflyOf : public ::testing::Test {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }
};

using Radices = ::testing::Types<Index<2>, Index<3>, Index<4>, Index<5>, Index<8>, Index<9>,
                                 Index<10>, Index<12>, Index<16>>;
TYPED_TEST_SUITE(ButterflyOf, Radices);

template <bool is_forward, int kRadix>
void expect_transform() {
  const Signal samples = noise(2 * kRadix, 7);
  std::vector<float2> elements(kRadix);
  for (int t = 0; t < kRadix; ++t) {
    const auto i = static_cast<std::size_t>(t);
    elements[i] = make_float2(samples[2 * i], samples[2 * i + 1]);
  }
  const Stream stream;
  const DeviceBuffer<float2> device(elements.size());
  upload_async<float2>(elements, device.span(), stream);
  launch(butterfly_kernel<is_forward, kRadix>, {1, 1}, stream, device.data());
  std::vector<float2> seen(kRadix);
  download_async<float2>(device.span(), seen, stream);
  stream.synchronize();
  for (int k = 0; k < kRadix; ++k) {
    Complex sum = 0;
    for (int t = 0; t < kRadix; ++t) {
      const float2 element = elements[static_cast<std::size_t>(t)];
      sum += Complex(element.x, element.y) * root((is_forward ? -1 : 1) * t * k, kRadix);
    }
    const float2 value = seen[static_cast<std::size_t>(k)];
    EXPECT_LE(std::abs(sum - Complex(value.x, value.y)), 6 * 0x1p-24 * std::sqrt(kRadix)) << k;
  }
}

TYPED_TEST(ButterflyOf, ElementsIsTheirTransform) {
  expect_transform<true, TypeParam::value>();
  expect_transform<false, TypeParam::value>();
}

/// Everything that can be said of a list's shapes without running them.
template <typename Body>
void each_shape(const Body& body) {
  ColumnShapes::each(body);
  RowShapes::each(body);
  RowShapes::each([&]<typename Shape>(std::type_identity<Shape>) {
    body(std::type_identity<typename WideOf<Shape>::Type>{});
    // Groups of segments, as in rows.cu.
    if constexpr (2 * Shape::kElements <= 4096) {
      body(std::type_identity<typename LanesTimes<Shape, 2>::Type>{});
    }
    if constexpr (4 * Shape::kElements <= 4096) {
      body(std::type_identity<typename LanesTimes<Shape, 4>::Type>{});
    }
  });
  FusedShapes::each(body);
}

template <typename Shape>
std::string name_of() {
  std::string name = std::to_string(Shape::kLanes) + " x";
  for (int stage = 0; stage < Shape::kStages; ++stage) {
    name.append(" ").append(std::to_string(Shape::radix(stage)));
  }
  return name;
}

TEST(BlockShape, PlacesEveryElementOnce) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    std::set<int> places;
    for (int n = 0; n < Shape::kLength; ++n) places.insert(Shape::place(n));
    EXPECT_EQ(places.size(), static_cast<std::size_t>(Shape::kLength)) << name_of<Shape>();
    EXPECT_EQ(*places.begin(), 0);
    EXPECT_EQ(*places.rbegin(), Shape::kLength - 1);
  });
}

/// Decimation in frequency: the first stage's butterfly t leaves the frequencies that are t modulo
/// its radix in the t-th part, in which the next stage does the same. From the middle on t counts
/// as t - radix.
template <typename Shape>
int frequency_at(int n, int length = Shape::kLength, int stage = 0) {
  if (length == 1) return 0;
  const int radix = Shape::radix(stage);
  const int part = length / radix;
  const int t = n / part;
  return (t <= radix / 2 ? t : t - radix) + radix * frequency_at<Shape>(n % part, part, stage + 1);
}

TEST(BlockShape, LeavesFrequenciesInTheOrderOfItsStages) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    for (int n = 0; n < Shape::kLength; ++n) {
      ASSERT_EQ(Shape::frequency(n), frequency_at<Shape>(n)) << name_of<Shape>();
    }
  });
}

TEST(BlockShape, RotatesByAQuarterAtMost) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    for (const bool is_turned : {false, true}) {
      float steepest = 0;
      for (const float2 shears : Shape::table(is_turned)) {
        steepest = std::max(steepest, std::abs(shears.x));
      }
      EXPECT_LE(steepest, 1) << name_of<Shape>();  // the tangent of half the angle
    }
  });
}

TEST(BlockShape, FitsSharedMemoryAndRegisters) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    EXPECT_EQ(Shape::kThreads % 32, 0);
    // Of 65,536: none spills with as many (.ci/kernels).
    EXPECT_GE(65536 / (Shape::kThreads * Shape::kBlocksPerMultiprocessor), 102);
    const bool is_fused = Shape::kLanes == 1;
    EXPECT_LE(Shape::kElements * sizeof(float2), (is_fused ? 128u : 64u) * 1024)
        << name_of<Shape>();
  });
}

/// body(Index<0>{}), body(Index<1>{}) ...; unlike unrolled(), for the host alone.
template <int kCount, typename Body>
void each_index(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (body(Index<i>{}), ...); }
  (std::make_integer_sequence<int, kCount>());
}

/// Where the butterflies of one stage take their elements from. What follows works on these tables,
/// since code for every shape takes long to compile.
struct StageTable {
  std::string name;
  int width;                  ///< neighbours of a butterfly
  int lanes;                  ///< of the shape
  std::vector<int> elements;  ///< [butterfly][t]
  std::vector<int> places;    ///< of these, as the butterfly counts them
  std::vector<int> lane;      ///< [butterfly]
  std::vector<int> place_of;  ///< [element], as the shape counts them
  std::size_t radix() const { return elements.size() / lane.size(); }
};

template <typename Shape, int kStage>
StageTable table_of() {
  using At = Butterfly<Shape, kStage>;
  StageTable table{name_of<Shape>() + ", stage " + std::to_string(kStage),
                   At::kWidth,
                   Shape::kLanes,
                   {},
                   {},
                   {},
                   {}};
  for (int i = 0; i < At::kCount; ++i) {
    const At at(i);
    table.lane.push_back(at.lane);
    each_index<At::kRadix>([&](auto t) {
      table.elements.push_back(at.element(t));
      const int slot = at.template slot<decltype(t)::value>(at.first_slot());
      EXPECT_EQ(slot % Shape::kLanes, at.lane);
      table.places.push_back(slot / Shape::kLanes);
    });
  }
  for (int n = 0; n < Shape::kLength; ++n) table.place_of.push_back(Shape::place(n));
  return table;
}

std::vector<StageTable> all_stages() {
  std::vector<StageTable> tables;
  each_shape([&]<typename Shape>(std::type_identity<Shape>) {
    each_index<Shape::kStages>(
        [&](auto stage) { tables.push_back(table_of<Shape, decltype(stage)::value>()); });
  });
  return tables;
}

/// How often the busiest bank is asked for by one access of a warp, per 128 bytes.
int worst_conflict(const StageTable& table) {
  const auto together = static_cast<std::size_t>(16 / table.width);  // threads that take 128 bytes
  const std::size_t butterflies = table.lane.size();
  int worst = 0;
  for (std::size_t first = 0; first < butterflies; first += together) {
    for (std::size_t t = 0; t < table.radix(); ++t) {
      std::array<std::set<int>, 32> words;  // of each bank
      for (std::size_t i = first; i < std::min(first + together, butterflies); ++i) {
        const int place = table.places[i * table.radix() + t] * table.lanes + table.lane[i];
        for (int word = 2 * place; word < 2 * (place + table.width); ++word) {
          words[static_cast<std::size_t>(word % 32)].insert(word);
        }
      }
      for (const std::set<int>& bank : words)
        worst = std::max(worst, static_cast<int>(bank.size()));
    }
  }
  return worst;
}

TEST(BlockShape, MeetsNoBankTwice) {
  for (const StageTable& table : all_stages()) EXPECT_EQ(worst_conflict(table), 1) << table.name;
}

TEST(BlockShape, ButterfliesCountPlacesAsTheirShapeDoes) {
  for (const StageTable& table : all_stages()) {
    for (std::size_t i = 0; i < table.elements.size(); ++i) {
      ASSERT_EQ(table.places[i], table.place_of[static_cast<std::size_t>(table.elements[i])])
          << table.name;
    }
  }
}

TEST(BlockShape, ButterfliesOfAStageTakeEveryElementOnce) {
  for (const StageTable& table : all_stages()) {
    std::vector<int> taken(table.place_of.size() * static_cast<std::size_t>(table.lanes));
    for (std::size_t i = 0; i < table.elements.size(); ++i) {
      const int lane = table.lane[i / table.radix()];
      for (int w = lane; w < lane + table.width; ++w) {
        ++taken[static_cast<std::size_t>(table.elements[i] * table.lanes + w)];
      }
    }
    EXPECT_EQ(std::count(taken.begin(), taken.end(), 1), std::ssize(taken)) << table.name;
  }
}

TEST(ShapeLists, HaveATransformForEveryPlannedLength) {
  const auto length_of = []<typename Shape>(std::type_identity<Shape>) { return Shape::kLength; };
  int longest = 0;
  for (const FourstepShape& shape : kFourstepShapes) {
    EXPECT_EQ(ColumnShapes::pick<int>(shape.rows, length_of), shape.rows);
    EXPECT_EQ(RowShapes::pick<int>(shape.columns, length_of), shape.columns);
    EXPECT_LT(longest, shape.rows * shape.columns) << "ascending";
    longest = shape.rows * shape.columns;
  }
  for (const int length : kFusedLengths)
    EXPECT_EQ(FusedShapes::pick<int>(length, length_of), length);
  EXPECT_THROW(FusedShapes::pick<int>(3, length_of), std::logic_error);
}

}  // namespace
}  // namespace gpuconv::test
