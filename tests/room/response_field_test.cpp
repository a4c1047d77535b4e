#include "host/room/response_field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/room/delay.hpp"
#include "host/room/onset.hpp"
#include "host/room/resample.hpp"
#include "tests/support/files.hpp"
#include "tests/support/smooth_head.hpp"

namespace gpuconv::test {
namespace {

class ResponseFieldTest : public ::testing::Test {
 protected:
  void write(const SofaContents& contents) { write_sofa(path_, contents); }

  Stereo<Signal> at(Direction direction, const Extent& extent, int rate = 16'000,
                    Interpolation interpolation = Interpolation::neighbours) {
    SofaSet set(path_);
    ResponseOptions options;
    options.sofa.interpolation = interpolation;
    ResponseField field(set, options, rate);
    return field.taps(field.blend({direction, 0}), extent);
  }

  const Folder folder_;
  const std::string path_ = folder_.file("head.sofa");
};

constexpr Extent kWide{-200, 400};

/// Of one ear: how far taps are from the truth, in dB.
double error_db(const Signal& taps, Direction direction, Side side) {
  double error = 0;
  double power = 0;
  for (std::int64_t n = kWide.begin; n < kWide.end; ++n) {
    const double truth = SmoothHead::tap(direction, side, static_cast<double>(n));
    const double off = taps[static_cast<std::size_t>(n - kWide.begin)] - truth;
    error += off * off;
    power += truth * truth;
  }
  return 10 * std::log10(error / power);
}

TEST_F(ResponseFieldTest, IsNearTheTruthBetweenMeasurements) {
  write(SmoothHead{}.sofa(rings(10, -50, 50, 10)));
  for (const Direction asked : {Direction{5, 0}, {40, 10}, {-97, -22}, {171, 43}}) {
    const Stereo<Signal> taps = at(asked, kWide);
    for (const Side side : kSides) {
      EXPECT_LT(error_db(taps[side], asked, side), -30) << asked.azimuth;
    }
  }
  // The same without alignment, by hand: in front the pulses lie 1.7 samples apart.
  const Stereo<Signal> right = at({0, 0}, kWide);
  const Stereo<Signal> left = at({10, 0}, kWide);
  Signal mean(right.left.size());
  for (std::size_t n = 0; n < mean.size(); ++n) mean[n] = (left.left[n] + right.left[n]) / 2;
  EXPECT_GT(error_db(mean, {5, 0}, Side::left), -22);
}

TEST_F(ResponseFieldTest, IsTheMeasurementTapForTapWhereOneWasMade) {
  write(SmoothHead{}.sofa(rings(15, -45, 45, 15)));
  SofaOptions options;
  options.azimuth = 105;
  options.elevation = -30;
  for (const int rate : {16'000, 44'100}) {
    const Response nearest = resample(load_response(path_, {options}), rate);
    const Extent extent{-2000, 3000};
    const Stereo<Signal> taps = at({105, -30}, extent, rate);
    for (const Side side : kSides) {
      Signal expected(taps[side].size());
      std::ranges::copy(nearest.taps[side],
                        expected.begin() + (-extent.begin - nearest.latency_frames));
      EXPECT_EQ(taps[side], expected);
    }
  }
}

TEST_F(ResponseFieldTest, MovesTheDelayBetweenTheEarsSmoothly) {
  write(SmoothHead{}.sofa(rings(10, -20, 20, 10)));
  SofaSet set(path_);
  ResponseOptions options;
  options.sofa.interpolation = Interpolation::neighbours;
  ResponseField field(set, options, 48'000);
  double before = 0;
  const Extent extent{-1000, 2000};
  for (double azimuth = 0; azimuth <= 180; azimuth += 0.5) {
    const Direction direction{azimuth, 4};
    const Stereo<Signal> taps = field.taps(field.blend({direction, 0}), extent);
    const double itd = *arrival(taps.right) - *arrival(taps.left);
    const double truth = 3 * (SmoothHead::arrival(direction, Side::right) -
                              SmoothHead::arrival(direction, Side::left));
    // Straight lines between measurements 10 degrees apart leave 0.8 % of the largest, 58 frames.
    EXPECT_NEAR(itd, truth, 0.45) << azimuth;
    if (azimuth > 0) {
      EXPECT_LT(std::abs(itd - before), 0.65) << azimuth;
    }
    before = itd;
  }
}

TEST_F(ResponseFieldTest, CountsTheDelaysOfTheFile) {
  SmoothHead head;
  write(head.sofa(rings(15, -15, 15, 15)));
  const Stereo<Signal> plain = at({7, 3}, kWide);
  head.delay = 20;
  write(head.sofa(rings(15, -15, 15, 15)));
  const Stereo<Signal> later = at({7, 3}, {kWide.begin + 20, kWide.end + 20});
  for (const Side side : kSides) EXPECT_EQ(later[side], plain[side]);
  head.delay = 20.4;
  write(head.sofa(rings(15, -15, 15, 15)));
  const Stereo<Signal> between = at({7, 3}, {kWide.begin + 20, kWide.end + 20});
  for (const Side side : kSides) {
    // The largest sample is not always as near to the maximum.
    EXPECT_NEAR(*arrival(between[side]) - *arrival(plain[side]), 0.4, 0.03);
  }
}

// A measurement that was cut differently: its delays are in Data.Delay, others' in their taps.
TEST_F(ResponseFieldTest, AlignsDelaysOfTheFileWithThoseInTheTaps) {
  const std::vector<Direction> two{{0, 0}, {15, 0}, {90, 0}, {-90, 0}};
  SofaContents file = SmoothHead{}.sofa(two);
  SofaArray& taps = file["Data.IR"];
  for (std::size_t ear : {0, 1}) {  // of the first, moved to the front by 18
    const auto begin = taps.values.begin() + static_cast<std::ptrdiff_t>(64 * ear);
    std::rotate(begin, begin + 18, begin + 64);
  }
  file["Data.Delay"] = {{4, 2}, {18, 18, 0, 0, 0, 0, 0, 0}, {}};
  write(file);
  const Stereo<Signal> between = at({7.5, 0}, kWide);
  for (const Side side : kSides) EXPECT_LT(error_db(between[side], {7.5, 0}, side), -30);
}

TEST_F(ResponseFieldTest, LeavesASilentEarSilent) {
  SofaContents file = SmoothHead{}.sofa(rings(15, -15, 15, 15));
  SofaArray& taps = file["Data.IR"];
  for (std::size_t n = 0; n < taps.values.size(); ++n) {
    if (n / 64 % 2 == 1) taps.values[n] = 0;  // right
  }
  write(file);
  const Stereo<Signal> found = at({7, 3}, kWide);
  EXPECT_EQ(maximum_of(found.right), 0);
  EXPECT_LT(error_db(found.left, {7, 3}, Side::left), -30);
}

TEST_F(ResponseFieldTest, HoldsItsExtent) {
  write(SmoothHead{}.sofa(rings(15, -15, 15, 15)));
  SofaSet set(path_);
  ResponseOptions options;
  options.sofa.interpolation = Interpolation::neighbours;
  ResponseField field(set, options, 16'000);
  const Blend blend = field.blend({{7, 3}, 0});
  ASSERT_EQ(blend.count, 3);
  const Extent extent = field.extent(blend);
  const Stereo<Signal> tight = field.taps(blend, extent);
  const Stereo<Signal> wide = field.taps(blend, kWide);
  for (const Side side : kSides) {
    Signal expected(wide[side].size());
    std::ranges::copy(tight[side], expected.begin() + (extent.begin - kWide.begin));
    EXPECT_EQ(wide[side], expected);
  }
}

TEST_F(ResponseFieldTest, GivesAResponseForOneDirectionToo) {
  write(SmoothHead{}.sofa(rings(10, -40, 40, 10)));
  ResponseOptions options;
  options.sofa.interpolation = Interpolation::neighbours;
  options.sofa.azimuth = 44;
  options.sofa.elevation = 3;
  const Response response = load_response(path_, options);
  for (const Side side : kSides) {
    Signal wide(static_cast<std::size_t>(kWide.end - kWide.begin));
    std::ranges::copy(response.taps[side], wide.begin() + (-kWide.begin - response.latency_frames));
    EXPECT_LT(error_db(wide, {44, 3}, side), -30);
  }
  EXPECT_EQ(response.taps.left.size(), response.taps.right.size());
  EXPECT_EQ(response.rate, 16'000);
  EXPECT_NEAR(response.direction->azimuth, 44, 1e-9);
  EXPECT_TRUE(says(response.description, {"azimuth 44.0", "measurement", "%", "0..323"}));
  EXPECT_TRUE(response.warnings.empty());
  // A direction that was measured, or a number, gives the measurement.
  options.sofa.azimuth = 40;
  options.sofa.elevation = 0;
  const Response measured = load_response(path_, options);
  options.sofa.interpolation = Interpolation::nearest;
  EXPECT_EQ(measured.taps.left, load_response(path_, options).taps.left);
  options.sofa = {};
  options.sofa.interpolation = Interpolation::neighbours;
  options.sofa.measurement = 5;
  EXPECT_EQ(load_response(path_, options).latency_frames, 0);
  options.sofa = {};
  options.sofa.interpolation = Interpolation::neighbours;
  options.sofa.elevation = 80;
  EXPECT_TRUE(says(load_response(path_, options).warnings.at(0), {"40 degrees beyond"}));
  options.sofa.elevation = 91;
  EXPECT_TRUE(says(message_of<UsageError>([&] { load_response(path_, options); }), {"91"}));
}

TEST_F(ResponseFieldTest, TakesTheNearestDistance) {
  SofaContents file = SmoothHead{}.sofa(rings(30, 0, 0, 1));
  const SofaContents far = SmoothHead{}.sofa(rings(30, 0, 0, 1));
  for (const char* const name : {"Data.IR", "SourcePosition"}) {
    SofaArray& both = file[name];
    const SofaArray& more = far.arrays.at(name);
    both.values.insert(both.values.end(), more.values.begin(), more.values.end());
    both.sizes[0] *= 2;
  }
  for (std::size_t m = 12; m < 24; ++m) file["SourcePosition"].values[3 * m + 2] = 3;
  write(file);
  SofaSet set(path_);
  ResponseField field(set, {}, 16'000, true);
  EXPECT_EQ(field.blend({{30, 0}, 1}).measurements[0], 1);
  EXPECT_EQ(field.blend({{30, 0}, 2.1}).measurements[0], 1);
  EXPECT_EQ(field.blend({{30, 0}, 2.2}).measurements[0], 13);
  EXPECT_EQ(field.blend({{30, 0}, 50}).measurements[0], 13);
}

TEST_F(ResponseFieldTest, RemembersHowFarTheDirectionsWere) {
  write(SmoothHead{}.sofa(rings(15, -15, 15, 15)));
  SofaSet set(path_);
  ResponseOptions options;
  options.sofa.interpolation = Interpolation::neighbours;
  ResponseField field(set, options, 16'000);
  field.blend({{7, 3}, 0});
  EXPECT_NEAR(field.away(), 0, 1e-6);
  field.blend({{7, 40}, 0});
  field.blend({{7, 30}, 0});
  EXPECT_NEAR(field.away(), 25, 0.5);
}

TEST(ArrivalTest, IsBetweenSamples) {
  for (const double late : {0.0, 0.25, 0.5, 0.9}) {
    Signal pulse;
    for (int n = 0; n < 40; ++n) {
      const double t = (n - 20 - late) / SmoothHead::kWidth;
      pulse.push_back(static_cast<float>(0.3 * std::exp(-t * t / 2)));
    }
    // exp(-t^2 / 2) = 1/10; the largest sample is a little less than the maximum.
    EXPECT_NEAR(*arrival(pulse), 20 + late - SmoothHead::kWidth * std::sqrt(2 * std::log(10)),
                0.05);
  }
  EXPECT_FALSE(arrival({0, 0, 0}).has_value());
  EXPECT_FALSE(arrival({}).has_value());
  EXPECT_LE(*arrival({1}), 0);
  EXPECT_GT(*arrival({1}), -1);
}

TEST(ArrivalTest, ValuesBetweenSamplesAreThoseOfADelay) {
  const Signal taps{0.5F, -1, 0.25F, 0, 2};
  for (const double t : {-3.3, 0.0, 1.75, 2.0, 4.5}) {
    const double late = 1 - (t - std::floor(t));
    const Signal moved = delayed(taps, late == 1 ? 0 : late, kDelayReach);
    const auto index = static_cast<std::size_t>(kDelayReach + static_cast<int>(std::floor(t)) +
                                                (late == 1 ? 0 : 1));
    EXPECT_NEAR(value_at(taps, t), moved.at(index), 1e-6) << t;
  }
}

}  // namespace
}  // namespace gpuconv::test
