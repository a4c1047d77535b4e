// block_fft_test.cu - transforms in shared memory: butterflies, places, banks
#include "cuda/fft/block_fft.cuh"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <map>
#include <numbers>
#include <set>
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
  const DeviceBuffer<float2> device = upload_now(elements, stream);
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

TEST(BlockShape, LeavesEveryFrequencyOnce) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    std::set<int> frequencies;
    for (int n = 0; n < Shape::kLength; ++n) frequencies.insert(Shape::frequency(n));
    EXPECT_EQ(frequencies.size(), static_cast<std::size_t>(Shape::kLength)) << name_of<Shape>();
    EXPECT_EQ(*frequencies.rbegin(), Shape::kLength - 1);
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

template <typename Shape, int kStage, int t>
int place_of(const Butterfly<Shape, kStage>& at) {
  return at.template place<t>(Shape::place(at.first));
}

/// How often the busiest bank is asked for by one access of a warp, beyond once per 128 bytes.
template <typename Shape, int kStage>
int worst_conflict() {
  using At = Butterfly<Shape, kStage>;
  constexpr int kTogether = 16 / At::kWidth;  // threads whose accesses make 128 bytes
  int worst = 0;
  for (int first = 0; first < At::kCount; first += kTogether) {
    unrolled<At::kRadix>([&](auto t) {
      std::map<int, std::set<int>> words_in_bank;
      for (int i = first; i < std::min(first + kTogether, At::kCount); ++i) {
        const At at(i);
        const int place = place_of<Shape, kStage, decltype(t)::value>(at);
        EXPECT_EQ(place, Shape::place(at.element(t))) << name_of<Shape>();
        for (int word = 0; word < 2 * At::kWidth; ++word) {
          const int address = 2 * (place * Shape::kLanes + at.lane) + word;
          words_in_bank[address % 32].insert(address);
        }
      }
      for (const auto& [bank, words] : words_in_bank) {
        worst = std::max(worst, static_cast<int>(words.size()));
      }
    });
  }
  return worst;
}

TEST(BlockShape, MeetsNoBankTwice) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    unrolled<Shape::kStages>([&](auto stage) {
      EXPECT_EQ((worst_conflict<Shape, decltype(stage)::value>()), 1)
          << name_of<Shape>() << ", stage " << stage;
    });
  });
}

TEST(BlockShape, ButterfliesOfAStageTakeEveryElementOnce) {
  each_shape([]<typename Shape>(std::type_identity<Shape>) {
    unrolled<Shape::kStages>([&](auto stage) {
      using At = Butterfly<Shape, decltype(stage)::value>;
      std::vector<int> taken(static_cast<std::size_t>(Shape::kElements));
      for (int i = 0; i < At::kCount; ++i) {
        const At at(i);
        for (int t = 0; t < At::kRadix; ++t) {
          for (int lane = at.lane; lane < at.lane + At::kWidth; ++lane) {
            ++taken[static_cast<std::size_t>(at.element(t) * Shape::kLanes + lane)];
          }
        }
      }
      EXPECT_EQ(std::count(taken.begin(), taken.end(), 1), Shape::kElements) << name_of<Shape>();
    });
  });
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
